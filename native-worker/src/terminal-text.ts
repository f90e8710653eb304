/** What strangers wrote, fit for a terminal: none of it can move the cursor, rename the window or hide a line. */

/**
 * C0 and C1 control characters but tab and line feed, line and paragraph separators, what turns the direction of the line,
 * and tags, which nobody sees. Joiners stay: emoji and some scripts are written with them.
 */
// eslint-disable-next-line no-control-regex -- They are what is looked for.
const CONTROLS =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

/** Works piece by piece: what is taken out is single characters. */
export function terminalText(text: string): string {
  return text.replace(CONTROLS, '');
}
