/** Makes strangers' text fit for a terminal: it cannot move the cursor, rename the window, hide or reorder words. */

/** C0 and C1 control characters but tab and line feed. */
const CONTROLS = String.raw`\u0000-\u0008\u000b-\u001f\u007f-\u009f`;
/**
 * Invisible characters that change how the rest is read: marks of direction, zero-width spaces, operators and tags.
 * Joiners (U+200C, U+200D) stay: Persian, Hindi and emoji are written with them.
 */
const INVISIBLE = String.raw`\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}`;

const TAKEN_OUT = new RegExp(`[${CONTROLS}${INVISIBLE}]`, 'gu');
/** The characters that JSON itself does not escape. */
const ESCAPED_IN_JSON = new RegExp(String.raw`[\u007f-\u009f${INVISIBLE}]`, 'gu');

/** Works piece by piece, as it removes single characters only. */
export function terminalText(text: string): string {
  return text.replace(TAKEN_OUT, '');
}

/** For names, which must not begin a new line either. */
export function oneLine(text: string): string {
  return terminalText(text).replace(/[\n\t]+/g, ' ');
}

/** The same value in JSON that a terminal can show. Works on whole lines of JSON, too. */
export function terminalJson(json: string): string {
  return json.replace(ESCAPED_IN_JSON, (character) =>
    Array.from({ length: character.length }, (_, i) => String.raw`\u${hex(character.charCodeAt(i))}`).join(''),
  );
}

function hex(unit: number): string {
  return unit.toString(16).padStart(4, '0');
}
