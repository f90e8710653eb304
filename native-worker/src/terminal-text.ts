/** What strangers wrote, fit for a terminal: none of it can move the cursor, rename the window or hide a line. */

/** C0 and C1 control characters but tab and line feed. */
// eslint-disable-next-line no-control-regex -- They are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Works piece by piece: what is taken out is single characters. */
export function terminalText(text: string): string {
  return text.replace(CONTROLS, '');
}
