import { expect, it } from 'vitest';
import { sends, typedOnKeys } from './composer-keys.ts';

const NO_MODIFIERS = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
const enter = { key: 'Enter', keyCode: 13, isComposing: false, ...NO_MODIFIERS };

it('sends on Enter, and begins a line with Shift', () => {
  expect(sends(enter, false)).toBe(true);
  expect(sends({ ...enter, shiftKey: true }, false)).toBe(false);
  expect(sends({ ...enter, key: 'a' }, false)).toBe(false);
});

it('sends nothing that is being composed, in whichever order the browser tells it', () => {
  expect(sends({ ...enter, isComposing: true }, false)).toBe(false);
  expect(sends({ ...enter, keyCode: 229 }, false)).toBe(false);
  expect(sends({ ...enter, keyCode: 229, ctrlKey: true }, true)).toBe(false);
});

it('begins a line on a keyboard that is on the screen, where Ctrl or Cmd still sends', () => {
  expect(sends(enter, true)).toBe(false);
  expect(sends({ ...enter, ctrlKey: true }, true)).toBe(true);
  expect(sends({ ...enter, metaKey: true }, true)).toBe(true);
});

it('knows a real keyboard by keys that are on no screen', () => {
  expect(['Control', 'Tab', 'ArrowUp'].map((key) => typedOnKeys({ key }))).toEqual([true, true, true]);
  expect(['a', 'Enter', 'Backspace', 'Unidentified', 'Shift'].some((key) => typedOnKeys({ key }))).toBe(false);
});
