import { expect, it } from 'vitest';
import { speakable } from './speech.ts';

it('an answer is read sentence by sentence, without its marks and its code', () => {
  const text = '## Otters\n\nThey **swim**. See [the list](https://a.example).\n\n```js\nswim();\n```\n\nBye.';
  expect(speakable(text)).toEqual(['Otters', 'They swim.', 'See the list.', 'Bye.']);
});

it('nothing that is read is longer than browsers bear', () => {
  const parts = speakable(`${'word '.repeat(300)}${'x'.repeat(500)}`);
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(200);
  expect(parts.join(' ').replaceAll(' ', '')).toBe(`${'word'.repeat(300)}${'x'.repeat(500)}`);
});
