import { expect, it } from 'vitest';
import { terminalText } from './terminal-text.ts';

it('leaves words, lines and tabs as they are', () => {
  const text = 'Grüße, 世界 👋\n\tnext';
  expect(terminalText(text)).toBe(text);
});

it('takes out what a terminal would obey', () => {
  expect(terminalText('a\u001b[2Jb\rc\u0007\u009b1md\u0000\u007fe')).toBe('a[2Jbc1mde');
});

it('takes out what turns a line around or that nobody sees, and leaves emoji whole', () => {
  expect(terminalText('a\u202eb\u2066c\u061cd\u200ee\u2028f\u{e0041}g')).toBe('abcdefg');
  expect(terminalText('👩\u200d💻 ❤\ufe0f')).toBe('👩\u200d💻 ❤\ufe0f');
});
