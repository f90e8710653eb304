/** Which keys send what is written, and which tell of a keyboard. */

/** What a key that ends a composition says of itself where its event comes after `compositionend`, as in Safari. */
const COMPOSING_KEY_CODE = 229;
/** Keys that keyboards on a screen do not have, or do not report. */
const KEYBOARD_ONLY: ReadonlySet<string> = new Set([
  ...['Alt', 'Control', 'Meta', 'Escape', 'Tab'],
  ...['ArrowDown', 'ArrowLeft', 'ArrowRight', 'ArrowUp', 'PageDown', 'PageUp'],
]);

type Key = Pick<KeyboardEvent, 'key' | 'keyCode' | 'isComposing' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

/** `onScreen`: Enter on a keyboard that is on the screen is the only way to a new line. */
export function sends(
  { key, keyCode, isComposing, shiftKey, ctrlKey, metaKey, altKey }: Key,
  onScreen: boolean,
): boolean {
  // While composing, Enter chooses a character.
  if (key !== 'Enter' || isComposing || keyCode === COMPOSING_KEY_CODE || altKey) return false;
  return ctrlKey || metaKey || !(shiftKey || onScreen);
}

/** Does this come from a keyboard that is not on the screen? */
export function typedOnKeys({ key }: Pick<KeyboardEvent, 'key'>): boolean {
  return KEYBOARD_ONLY.has(key);
}
