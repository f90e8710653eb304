/** Texts as people search in them: capital letters, accents and wide or joined forms make no difference. */

// eslint-disable-next-line no-control-regex -- all that is plain already
const PLAIN = /^[\u0000-\u007f]*$/;

/** Keeps the number of lines. */
export function fold(text: string): string {
  if (PLAIN.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}+/gu, '')
    .toLowerCase();
}

/** The words of a query, folded; all of them have to be found. */
export function wordsOf(query: string): string[] {
  return fold(query)
    .split(/\s+/)
    .filter((word) => word !== '');
}
