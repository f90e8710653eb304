import { describe, expect, it } from 'vitest';
import { HOSTILE_TEXTS } from '../testing/hostile-texts.ts';
import type { Block } from './block.ts';
import { HARD_CHARS } from './limits.ts';
import { Reading } from './reading.ts';

function read(text: string): Block[] {
  const reading = new Reading();
  reading.update(text, true);
  while (reading.step());
  return reading.sections.flatMap(({ blocks }) => blocks);
}

/** As it comes from a provider: a few characters more at a time. */
function streamed(text: string, chars: (i: number) => number): Block[] {
  const reading = new Reading();
  for (let at = 0, i = 0; at < text.length; i++) {
    at = Math.min(text.length, at + chars(i));
    reading.update(text.slice(0, at), false);
    while (reading.step());
  }
  reading.update(text, true);
  while (reading.step());
  return reading.sections.flatMap(({ blocks }) => blocks);
}

const kinds = (text: string) => read(text).map(({ kind }) => kind);

describe('an answer that is read', () => {
  it('is cut where its blocks end', () => {
    expect(kinds('# Title\nFirst.\n\nSecond\nline.\n```js\na\n\nb\n```\nThird.')).toEqual([
      'heading',
      'paragraph',
      'paragraph',
      'code',
      'paragraph',
    ]);
    expect(kinds('Steps:\n1. a\n\n   b\n\n2. c\n\nEnd.')).toEqual(['paragraph', 'list', 'paragraph']);
    expect(kinds('|a|b|\n|-|-|\n|1|2|\n\n> q\n\n---\n\n    code\n\n    more')).toEqual([
      'table',
      'quote',
      'rule',
      'code',
    ]);
  });

  it('keeps code in its item, its quotation and its note', () => {
    const [list] = read('1. a\n\n   ```js\n   x\n\n   y\n   ```\n\n2. b');
    expect(list).toMatchObject({
      kind: 'list',
      start: 1,
      items: [[{}, { kind: 'code', language: 'js', text: 'x\n\ny' }], [{}]],
    });
    expect(read('> a\n>\n> ```\n> x\n> ```')).toMatchObject([
      { kind: 'quote', blocks: [{}, { kind: 'code', text: 'x' }] },
    ]);
    expect(read('[^1]: `a`\n[^2]: b')).toMatchObject([
      { kind: 'note', label: '1' },
      { kind: 'note', label: '2' },
    ]);
  });

  it('ends code as its fence says', () => {
    expect(read('````md\n```js\na\n```\n````\nb')).toMatchObject([
      { text: '```js\na\n```', language: 'md' },
      { kind: 'paragraph' },
    ]);
    expect(read('  ```\n  a\n    b\n  ```')).toMatchObject([{ kind: 'code', text: 'a\n  b' }]);
    expect(read('```\na\n``` b\nc')).toMatchObject([{ kind: 'code', text: 'a\n``` b\nc' }]);
    expect(kinds('```a``` is code in a line')).toEqual(['paragraph']);
  });

  it('finds a link that is defined later, once the answer is whole', () => {
    const [paragraph] = read('See [it].\n\n[it]: https://a.example');
    expect(paragraph).toMatchObject({ inlines: [{}, { kind: 'link', href: 'https://a.example' }, {}] });
  });

  it('begins a long table, a long list and a long paragraph anew, and says what they are', () => {
    const table = read(`|a|b|\n|-|-|\n${'|some words|some more|\n'.repeat(600)}`);
    expect(table.length).toBeGreaterThan(2);
    expect(new Set(table.map(({ kind }) => kind))).toEqual(new Set(['table']));
    expect(table.reduce((rows, block) => rows + (block.kind === 'table' ? block.rows.length : 0), 0)).toBe(600);
    const list = read(Array.from({ length: 600 }, (_, i) => `${i + 1}. some words\n     - more of them`).join('\n'));
    expect(list.length).toBeGreaterThan(2);
    expect(list.flatMap((block) => (block.kind === 'list' ? [block.start! + block.items.length] : []))).toEqual(
      list.map((_, i) => (list[i + 1] as { start?: number } | undefined)?.start ?? 601),
    );
    expect(new Set(kinds('words and more words. '.repeat(2_000)))).toEqual(new Set(['paragraph']));
  });

  it('starts anew with another text', () => {
    const reading = new Reading();
    for (const text of ['# One\n\nand', '# Two']) {
      reading.update(text, true);
      while (reading.step());
    }
    expect(reading.sections).toMatchObject([{ blocks: [{ kind: 'heading', inlines: [{ text: 'Two' }] }] }]);
  });

  it('is the same however it comes', () => {
    const whole = read(SAMPLE);
    for (const step of [1, 2, 3, 7, 50]) expect(streamed(SAMPLE, () => step)).toEqual(whole);
    for (let seed = 1; seed < 12; seed++)
      expect(streamed(SAMPLE, (i) => 1 + ((seed * 7919 + i * 104_729) % 37))).toEqual(whole);
  });

  it('leaves what is finished as it is', () => {
    const reading = new Reading();
    reading.update('# Title\n\nFirst.\n\nSecond, which is longer', false);
    while (reading.step());
    const before = reading.sections[0]!.blocks.slice(0, 2);
    reading.update('# Title\n\nFirst.\n\nSecond, which is longer.', false);
    while (reading.step());
    const after = reading.sections[0]!.blocks;
    expect([after[0] === before[0], after[1] === before[1], after.length]).toEqual([true, true, 3]);
  });
});

describe('a hostile answer', () => {
  it.each(Object.keys(HOSTILE_TEXTS))('%s: is read in bounded steps, each part of it about once', (name) => {
    const text = HOSTILE_TEXTS[name]!.slice(0, 50_000);
    const reading = new Reading();
    reading.update(text, true);
    let most = 0;
    for (let before = 0, more = true; more; before = reading.charsRead) {
      more = reading.step();
      most = Math.max(most, reading.charsRead - before);
    }
    expect(most).toBeLessThanOrEqual(HARD_CHARS);
    expect(reading.charsRead).toBeLessThanOrEqual(2.1 * text.length + HARD_CHARS);
    for (const block of reading.sections.flatMap(({ blocks }) => blocks)) expect(nesting(block)).toBeLessThan(32);
  });

  it.each(Object.keys(HOSTILE_TEXTS))('%s: while it comes, no word of it costs more than one piece', (name) => {
    const text = HOSTILE_TEXTS[name]!.slice(0, 20_000);
    const reading = new Reading();
    for (let at = 1_000; at < text.length; at += 1_000) {
      const before = reading.charsRead;
      reading.update(text.slice(0, at), false);
      while (reading.step());
      expect(reading.charsRead - before).toBeLessThanOrEqual(2 * HARD_CHARS);
    }
  });
});

function nesting(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return (Array.isArray(value) ? 0 : 1) + Math.max(0, ...Object.values(value).map(nesting));
}

const SAMPLE = `# Title
Some *words* and \`code\`.
Steps:
1. First

   \`\`\`bash
   npm i

   npm t
   \`\`\`
2. Second
   - a
   - b

     more of b
3. Third

> quoted
> \`\`\`
> x
> \`\`\`
and lazily so

- one
- two

* another
* list

| a | b |
|---|:-:|
| 1 | \`2\` |

\\[
a = b

+ c
\\]
Then $$x^2$$ in words.

$$
x
$$

    indented

    code

~~~py
print(1)
~~~
Title two
---
[^1]: A note.
[^2]: Another.

1.5 apples, -3 degrees

--

\`\`\`not a fence\`\`\`

Last [words][x] and $5 and $10.

[x]: https://a.example
`;
