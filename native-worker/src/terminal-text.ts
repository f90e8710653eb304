/** What strangers wrote, fit for a terminal: none of it can move the cursor, rename the window or hide a line. */

/**
 * C0 and C1 control characters but tab and line feed, line and paragraph separators, what turns the direction of the line,
 * and tags, which nobody sees. Joiners stay: emoji and some scripts are written with them.
 */
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u{e0000}-\u{e007f}]/gu;

/** Works piece by piece: what is taken out is single characters. */
export function terminalText(text: string): string {
  return text.replace(CONTROLS, '');
}
