import type { Piece } from '@llmesh/core/engine/engine';
import { describe, expect, it } from 'vitest';
import { WllamaAnswer } from './wllama-answer.ts';

type Chunk = Parameters<WllamaAnswer['read']>[0];

/** A chunk as wllama 3.8.1 hands it out, without what nobody reads. */
function chunk(text: string, predicted: number, ids: number[] | null, end: 'stop' | 'length' | null = null): Chunk {
  return {
    id: '',
    object: 'text_completion',
    created: 0,
    model: '',
    choices: [{ text, index: 0, logprobs: null, finish_reason: end }],
    timings: { predicted_n: predicted } as NonNullable<Chunk['timings']>,
    ...(ids !== null && { __verbose: { tokens: ids } }),
    ...(end !== null && { usage: { prompt_tokens: 30, completion_tokens: predicted, total_tokens: 30 + predicted } }),
  };
}

function read(chunks: Chunk[], prefixTokens = 0): { pieces: Piece[]; answer: WllamaAnswer } {
  const pieces: Piece[] = [];
  const answer = new WllamaAnswer((piece) => pieces.push(piece), prefixTokens);
  for (const one of chunks) answer.read(one);
  return { pieces, answer };
}

describe('WllamaAnswer', () => {
  it('counts tokens, and tells the ids of those that came alone', () => {
    const { pieces, answer } = read([
      chunk('a', 1, [7]),
      chunk('🙂', 4, [9]),
      chunk('b', 5, [8]),
      chunk('', 5, [], 'stop'),
    ]);
    expect(pieces).toEqual([
      { text: 'a', tokens: 1, tokenIds: [7] },
      { text: '🙂', tokens: 3 },
      { text: 'b', tokens: 1, tokenIds: [8] },
    ]);
    expect(answer.finish).toEqual({ finish: 'stop', promptTokens: 30, completionTokens: 5 });
  });

  it('does without ids', () => {
    expect(read([chunk('a', 1, null)]).pieces).toEqual([{ text: 'a', tokens: 1 }]);
  });

  it('ends without a piece when the prefix was the whole answer', () => {
    const { pieces, answer } = read([chunk('', 1, [], 'stop')], 12);
    expect(pieces).toEqual([]);
    expect(answer.finish).toEqual({ finish: 'stop', promptTokens: 18, completionTokens: 0 });
  });

  it('says when there was no end', () => {
    const { answer } = read([chunk('a', 1, [7])]);
    expect(() => answer.finish).toThrow(/stopped without finishing/);
  });
});
