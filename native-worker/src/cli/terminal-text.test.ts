import { expect, it } from 'vitest';
import { oneLine, terminalJson, terminalText } from './terminal-text.ts';

it('leaves words, lines and tabs as they are', () => {
  const text = 'Grüße, 世界 👋\n\tnext';
  expect(terminalText(text)).toBe(text);
});

it('takes out what a terminal would obey', () => {
  expect(terminalText('a\u001b[2Jb\rc\u0007\u009b1md\u0000\u007fe')).toBe('a[2Jbc1mde');
});

it('takes out what is not seen and turns or hides the rest, and leaves what scripts and emoji are joined with', () => {
  expect(terminalText('a\u202eb\u2066c\u200fd\u061ce\u200bf\u{e0041}g\u2028h')).toBe('abcdefgh');
  const joined = 'می\u200cخواهم 👩\u200d💻 क्\u200dष';
  expect(terminalText(joined)).toBe(joined);
});

it('keeps names on their line', () => {
  expect(oneLine('tiny\n  best-model\t8 slots\u001b[2J')).toBe('tiny   best-model 8 slots[2J');
});

it('escapes in JSON what JSON itself does not, and the value stays', () => {
  const value = { name: 'a\u009b2J\u202e\u{e0041}\u007f\u001b' };
  const json = terminalJson(JSON.stringify(value));
  expect(json).toMatch(/^[\u0020-\u007e]+$/);
  expect(JSON.parse(json)).toEqual(value);
});
