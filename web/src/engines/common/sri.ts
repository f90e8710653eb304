/** Subresource Integrity strings, "sha256-…" (https://www.w3.org/TR/sri/). */
const ALGORITHMS: Readonly<Record<string, string>> = { sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };

/** False for a string that is not one. */
export async function matchesSri(data: ArrayBuffer, expected: string): Promise<boolean> {
  const [name = '', digest = ''] = expected.split('-');
  const algorithm = ALGORITHMS[name];
  if (algorithm === undefined) return false;
  const bytes = new Uint8Array(await crypto.subtle.digest(algorithm, data));
  return btoa(String.fromCharCode(...bytes)) === digest;
}
