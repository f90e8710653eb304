/**
 * What other programs share with the installed page: it goes into the box, by the part of an address that no server is told. See
 * https://w3c.github.io/web-share-target/
 */

export const SHARE = '/share';
/** How the fragment of an address begins that brings it. */
export const SHARED = '#share=';
/** More does not fit into an address everywhere. */
const MOST_CHARS = 20_000;

/** Where the page is opened with it. */
export function sharedAddress(shared: Pick<FormData, 'get'>): string {
  const [title, text, url] = ['title', 'text', 'url'].map((name) => {
    const value = shared.get(name);
    return typeof value === 'string' ? value.trim() : '';
  }) as [string, string, string];
  // Many programs put the address at the end of the text.
  const parts = [title, text, text.includes(url) ? '' : url].filter((part) => part !== '');
  return `/${SHARED}${encodeURIComponent(shortened([...new Set(parts)].join('\n')))}`;
}

/** What was shared, by the fragment of the address; null: nothing was. */
export function sharedIn(fragment: string): string | null {
  if (!fragment.startsWith(SHARED)) return null;
  try {
    return shortened(decodeURIComponent(fragment.slice(SHARED.length)));
  } catch {
    // Nobody who shares writes such an address.
    return null;
  }
}

/** Not with half a character at its end. */
function shortened(text: string): string {
  return text.slice(0, MOST_CHARS).replaceAll(/\p{Surrogate}/gu, '');
}
