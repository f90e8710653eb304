import { expect, test } from 'vitest';
import { isBlank, promptBytes } from './turns.ts';

test('turns with nothing to answer are blank', () => {
  expect(isBlank([])).toBe(true);
  expect(isBlank([{ role: 'user', content: ' \n\t' }])).toBe(true);
  expect(isBlank([{ role: 'assistant', content: 'x' }])).toBe(true);
  expect(isBlank([{ role: 'user', content: 'Why?\n' }])).toBe(false);
});

test('the size of turns is counted in UTF-8', () => {
  expect(promptBytes([{ role: 'user', content: 'é€😀' }])).toBe(9);
});
