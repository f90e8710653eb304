/** Writing from right to left: in code it must not move what stands beside it, and marks that turn the line are shown. */

/** What orders the characters of a line anew, and cannot be seen: see "Trojan Source", CVE-2021-42574. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const PART = new RegExp(
  `(${TURNS.source})|((?:${RIGHT_TO_LEFT.source}\\p{M}*)+(?:[ \\u200c\\u200d]+(?:${RIGHT_TO_LEFT.source}\\p{M}*)+)*)`,
  'gu',
);

/** Puts each word that runs the other way in a box of its own, and shows what turns a line as a tag with its number. */
export function tamed(text: string): (string | HTMLElement)[] {
  if (!TURNS.test(text) && !RIGHT_TO_LEFT.test(text)) return [text];
  const parts: (string | HTMLElement)[] = [];
  let from = 0;
  for (const { index, 0: all, 1: turn } of text.matchAll(PART)) {
    if (index > from) parts.push(text.slice(from, index));
    parts.push(turn === undefined ? box('bdi', all) : tag(turn));
    from = index + all.length;
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

/**
 * Words as they are to be shown: those of any language, but none that are turned by force, as in a file name that ends in `exe.jpg`
 * and is none. What would turn them shows as a mark of its own, and is as long.
 */
export function upright(text: string): string {
  return text.replaceAll(/[\u202d\u202e]/g, '\ufffd');
}

function tag(turn: string): HTMLElement {
  const number = `U+${turn.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
  const element = box('span', number);
  element.className = 'turns';
  element.title = `An invisible character that changes the order of the line: ${number}`;
  return element;
}

function box(name: string, text: string): HTMLElement {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
