/**
 * Makes names that strangers give to things fit for a page, a terminal or a log: they begin and end with something visible,
 * and nothing in them hides a character, turns the direction of the line, or climbs out of it. All scripts are allowed.
 */

/**
 * Invisible characters: control characters, halves of surrogate pairs, private use, line and paragraph separators, and all
 * that Unicode ignores by default, as marks of direction, zero-width spaces, fillers, selectors and tags.
 */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{DI}\ufff9-\ufffb]/u;
/** The invisible characters that scripts and emoji need: 👩‍💻, ❤️ and the joiners of Arabic and Indic scripts. */
const JOINED_EMOJI = /(?<=[\p{Extended_Pictographic}\p{EMod}\ufe0f])\u200d(?=\p{Extended_Pictographic})/gu;
const STYLED_EMOJI = /(?<=\p{Emoji})[\ufe0e\ufe0f]/gu;
const JOINED_LETTERS =
  /(?<=(?![\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Han}\p{sc=Hangul}\p{sc=Hira}\p{sc=Kana}\p{sc=Zinh}])[\p{L}\p{M}])[\u200c\u200d](?=\p{L})/gu;
/** More marks than any script stacks; a heap of them would cover the lines above. */
const HEAPED_MARKS = /\p{M}{7}/u;
/** The form of most names, which is quick to check. */
const PLAIN = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** What is cut off at the edges: invisible blanks, and marks that would be drawn on what stands before the name. */
const BARE_EDGE = /^[\s\p{M}]|\s$/u;

/** Whether the text can be shown as it is. The empty text can. */
export function isLabel(text: string): boolean {
  if (PLAIN.test(text)) return true;
  const seen = withoutJoiners(text);
  return !HIDDEN.test(seen) && !HEAPED_MARKS.test(text) && !BARE_EDGE.test(text);
}

/** The part of the text that can be shown, at most `most` UTF-16 units. May be empty. */
export function asLabel(text: string, most: number): string {
  const clean = withoutHidden(text, ' ');
  const one = trimmed(clean.replaceAll(/\s+/gu, ' ').replaceAll(/(\p{M}{6})\p{M}+/gu, '$1'));
  let short = one.slice(0, most);
  // Half a character, or one that ends in a joiner, is dropped.
  while (short !== '' && !isLabel(short)) short = trimmed(short.slice(0, -1));
  return short;
}

/**
 * Puts a sentence that a stranger wrote for a person, such as an error message, on one line. Invisible characters are taken
 * out, and line breaks become blanks.
 */
export function asSentence(text: string): string {
  if (PLAIN.test(text)) return text.replaceAll(/ {2,}/g, ' ');
  return withoutHidden(text.replaceAll(/\s/gu, ' '), '').replaceAll(/\s+/gu, ' ').trim();
}

const EACH_HIDDEN = new RegExp(HIDDEN, 'gu');
const JOINERS = [JOINED_EMOJI, STYLED_EMOJI, JOINED_LETTERS];
const JOINERS_HERE = JOINERS.map((joiners) => new RegExp(joiners, 'uy'));

function withoutHidden(text: string, instead: string): string {
  for (let rest = text; ;) {
    const next = rest.replaceAll(EACH_HIDDEN, (hidden, at: number) => (isJoiner(rest, at) ? hidden : instead));
    if (next === rest) return rest;
    // Without it, its neighbour may no longer count as a joiner.
    rest = next;
  }
}

function withoutJoiners(text: string): string {
  return JOINERS.reduce((rest, joiners) => rest.replaceAll(joiners, ''), text);
}

function isJoiner(text: string, at: number): boolean {
  return JOINERS_HERE.some((joiner) => {
    joiner.lastIndex = at;
    return joiner.test(text);
  });
}

function trimmed(text: string): string {
  return text.trim().replace(/^[\s\p{M}]+/u, '');
}
