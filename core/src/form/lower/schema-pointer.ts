/** What a reference within a schema points at: RFC 6901, as a fragment of a URI. */

/** Undefined: it is not there, or in another document. Only what the document itself has is found. */
export function pointedAt(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  const path = decoded(reference.slice(1));
  if (path === '') return root;
  if (path?.startsWith('/') !== true) return undefined;
  let at = root;
  for (const step of path.slice(1).split('/')) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

function decoded(fragment: string): string | null {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return null;
  }
}
