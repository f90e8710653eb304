/** How a person calls this program. */

/**
 * In a copy of the repository only npm finds it there. `--no-install`: elsewhere npm must not fetch whatever a stranger
 * publishes under our name. `url`: a module of the program; installed packages lie in node_modules.
 */
export function ownCommand(url = import.meta.url): string {
  return url.includes('/node_modules/') ? 'llmesh' : 'npx --no-install llmesh';
}
