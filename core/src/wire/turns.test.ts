import { expect, test } from 'vitest';
import type { Turn } from '../protocol.ts';
import { isBlank, promptBytes, turnsFault } from './turns.ts';

const call = { id: 'c', name: 'lamp', arguments: '{}' };

test('turns with nothing to answer are blank', () => {
  expect(isBlank([])).toBe(true);
  expect(isBlank([{ role: 'user', content: ' \n\t' }])).toBe(true);
  expect(turnsFault([{ role: 'system', content: '' }])).toMatchObject({ code: 'empty_prompt' });
  expect(isBlank([{ role: 'user', content: 'Why?\n' }])).toBe(false);
});

test('a conversation may end with anybody, and say nothing at its end', () => {
  const user: Turn = { role: 'user', content: 'Light!' };
  for (const turns of [
    [{ role: 'system', content: 'Greet.' }],
    [user, { role: 'system', content: 'Be brief.' }],
    [
      { role: 'system', content: 'Greet.' },
      { role: 'user', content: '' },
    ],
    [user, { role: 'assistant', content: '', calls: [call] }, { role: 'tool', content: '', call }],
    [user, { role: 'assistant', content: 'It is' }],
  ] satisfies Turn[][]) {
    expect(turnsFault(turns)).toBeNull();
  }
});

test('the size of turns is counted in UTF-8', () => {
  expect(promptBytes([{ role: 'user', content: 'é€😀' }])).toBe(9);
});
