import fc from 'fast-check';
import { MAX_PROMPT_BYTES, MAX_TURNS } from '@llmesh/core/protocol';
import { describe, expect, it } from 'vitest';
import { textSize } from './text-size.ts';
import { roomOf, turnTokens, windowOf, type Exchange } from './window.ts';

const SMALL = { contextTokens: 2048, scale: 1 };

function exchanges(count: number, words = 60): Exchange[] {
  const said = 'word '.repeat(words);
  return Array.from({ length: count }, (_, i) => ({ id: `q${i}`, question: `Question ${i}?`, said }));
}

describe('windowOf', () => {
  it('sends all of what fits, and says how much that is', () => {
    const { first, tokens } = windowOf(exchanges(3), SMALL);
    expect(first).toBe(0);
    expect(tokens).toBeGreaterThan(3 * 60);
    expect(tokens).toBeLessThan(roomOf(2048));
  });

  it('moves its beginning seldom and forward only, while a conversation grows', () => {
    const all = exchanges(200);
    const firsts = all.map((_, i) => windowOf(all.slice(0, i + 1), SMALL).first);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    const moves = new Set(firsts).size - 1;
    expect(moves).toBeGreaterThan(5);
    expect(moves).toBeLessThan(200 / 4);
  });

  it('keeps the last question, however long, and whatever there is of its answer', () => {
    const all = [...exchanges(5), { id: 'last', question: 'word '.repeat(9_000), said: '' }];
    expect(windowOf(all, SMALL).first).toBe(5);
    expect(windowOf(exchanges(5), SMALL, 1_500).first).toBeGreaterThan(0);
  });

  it('leaves out nothing for its tokens where the memory is not known, and never exceeds what the mesh carries', () => {
    expect(windowOf(exchanges(50), { contextTokens: null, scale: 1 }).first).toBe(0);
    const many = exchanges(MAX_TURNS);
    const { first } = windowOf(many, { contextTokens: null, scale: 1 });
    expect(2 * (many.length - first)).toBeLessThanOrEqual(MAX_TURNS);
    const large = exchanges(20, 20_000);
    const sent = large.slice(windowOf(large, { contextTokens: 10_000_000, scale: 1 }).first);
    const bytes = sent.slice(0, -1).reduce((sum, { question, said }) => sum + (question + said).length, 0);
    expect(bytes).toBeLessThan(MAX_PROMPT_BYTES);
    expect(sent.length).toBeGreaterThan(1);
  });

  it('fits with what is asked, in whole exchanges, for any texts, memory and scale', () => {
    const exchange = fc.record({
      id: fc.string(),
      question: fc.string({ unit: 'grapheme', maxLength: 400 }),
      said: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 900 }),
    });
    const memories = fc.record({
      contextTokens: fc.integer({ min: 128, max: 4_096 }),
      scale: fc.double({ min: 0.5, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(exchange, { minLength: 1, maxLength: 40 }), memories, (all, memory) => {
        const { first } = windowOf(all, memory);
        const last = all.length - 1;
        const sent = all.slice(first, last).flatMap(({ question, said }) => [question, said]);
        const tokens = [...sent, all[last]!.question].reduce((sum, text) => sum + turnTokens(text, memory), 0);
        expect(first === last || tokens <= roomOf(memory.contextTokens)).toBe(true);
      }),
    );
  });
});

describe('textSize', () => {
  it('counts bytes exactly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(textSize(text).bytes).toBe(new TextEncoder().encode(text).byteLength);
      }),
    );
  });

  it.each([
    // As the vocabulary of Qwen2.5 has them.
    ['The quick brown fox jumps over the lazy dog, and nobody knows why it did so yesterday.', 19],
    ['今天的天气很好，我们去公园散步吧。', 12],
    ['const total = items.reduce((sum, { price }) => sum + price, 0);', 17],
  ])('is near to the truth for %j', (text, tokens) => {
    const estimate = textSize(text).tokens;
    expect(estimate / tokens).toBeGreaterThan(0.7);
    expect(estimate / tokens).toBeLessThan(1.8);
  });
});
