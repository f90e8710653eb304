/** A module hook: in the repository, `@llmesh/…` means the TypeScript sources and not a build. */
export function resolve(specifier, context, next) {
  return next(specifier, { ...context, conditions: [...context.conditions, '@llmesh/source'] });
}
