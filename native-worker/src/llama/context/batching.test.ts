import type { BatchItem, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { gatherSequences, indexAsPriority } from './batching.ts';

const item = (place: number, length: number): BatchItem => ({
  tokens: Array.from({ length }, () => 0 as Token),
  logits: [],
  evaluationPriority: indexAsPriority(place),
});

const strategy = (active: () => number) => {
  const { itemPrioritizationStrategy: choose } = gatherSequences(active);
  if (typeof choose !== 'function') throw new Error('expected a function');
  return (items: BatchItem[]) => choose({ items, size: 512 });
};

describe('gatherSequences', () => {
  it('runs all answers together, in the order of their places', () => {
    const items = [item(2, 1), item(0, 1), item(1, 1)];
    const batch = strategy(() => 3)(items);
    expect(batch.map(({ item: one }) => one.evaluationPriority)).toEqual([0, 1, 2]);
    expect(batch.map(({ processAmount }) => processAmount)).toEqual([1, 1, 1]);
  });

  it('waits for an answer that is not there yet, but not for ever', () => {
    const choose = strategy(() => 2);
    const items = [item(0, 1)];
    let looks = 0;
    while (choose(items).length === 0) looks += 1;
    expect(looks).toBe(24);
    expect(choose([item(0, 1), item(1, 1)])).toHaveLength(2);
  });

  it('never mixes the chunk of a prompt with single tokens, and lets the oldest go first', () => {
    const choose = strategy(() => 3);
    expect(choose([item(0, 64), item(1, 1), item(2, 1)]).map(({ processAmount }) => processAmount)).toEqual([64]);
    expect(choose([item(1, 1), item(2, 1), item(0, 64)]).map(({ processAmount }) => processAmount)).toEqual([1, 1]);
  });
});
