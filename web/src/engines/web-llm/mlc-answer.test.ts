import { describe, expect, it } from 'vitest';
import type { Piece } from '@llmesh/core/engine/engine';
import { MlcAnswer } from './mlc-answer.ts';
import type { MlcPipeline } from './mlc-pipeline.ts';

/** The counts that web-llm's pipeline keeps, without a model: what it samples is told. */
class PretendPipeline {
  outputIds: number[] = [];
  filledKVCacheLength = 0;
  contextWindowSize = 4096;
  #decoded = 0;

  prefill(tokens: number, first: number | null): void {
    this.filledKVCacheLength = tokens;
    if (first !== null) this.outputIds.push(first);
  }

  decode(id: number | null): void {
    this.filledKVCacheLength += 1;
    this.#decoded += 1;
    if (id !== null) this.outputIds.push(id);
  }

  getCurRoundDecodingTotalTokens(): number {
    return this.#decoded;
  }
}

function setUp(turnTokens: number | null = null) {
  const pipeline = new PretendPipeline();
  const pieces: Piece[] = [];
  const answer = new MlcAnswer(pipeline as unknown as MlcPipeline, turnTokens, (piece) => pieces.push(piece));
  return { pipeline, pieces, answer };
}

describe('an answer of web-llm, with a pretended pipeline', () => {
  it('counts tokens and not pieces of text, and tells their ids', () => {
    const { pipeline, pieces, answer } = setUp();
    pipeline.prefill(20, 1);
    expect(answer.take('a')).toBe(true);
    // An emoji of three tokens: web-llm says nothing before the last.
    for (const id of [2, 3, 4]) pipeline.decode(id);
    expect(answer.take('😀')).toBe(true);
    // The stop token is no part of the answer.
    pipeline.decode(null);
    expect(answer.take('')).toBe(true);
    answer.ends('stop');
    expect(pieces).toEqual([
      { text: 'a', tokens: 1, tokenIds: [1], promptTokens: 20 },
      { text: '😀', tokens: 3, tokenIds: [2, 3, 4] },
    ]);
    expect(answer.finish).toEqual({ finish: 'stop', promptTokens: 20, completionTokens: 4 });
  });

  it('counts what was computed when the limit falls inside of a character', () => {
    const { pipeline, pieces, answer } = setUp();
    pipeline.prefill(20, 1);
    pipeline.decode(2);
    expect(answer.take('')).toBe(true);
    answer.ends('length');
    expect(pieces).toEqual([]);
    expect(answer.finish).toEqual({ finish: 'length', promptTokens: 20, completionTokens: 2 });
  });

  it('counts the whole conversation, however much of it is in the cache', () => {
    const { pipeline, answer } = setUp();
    // 500 were there already, and 46 were read.
    pipeline.prefill(546, 1);
    answer.take('a');
    expect(answer.finish.promptTokens).toBe(546);
  });

  it('tells the tokens of the turns alone where the prompt ends in a begun answer', () => {
    const { pipeline, pieces, answer } = setUp(35);
    pipeline.prefill(214, 1);
    answer.take('a');
    expect(pieces).toMatchObject([{ promptTokens: 35 }]);
    expect(answer.finish.promptTokens).toBe(35);
  });

  it('is over when the context is full, with the last token that has room', () => {
    const { pipeline, pieces, answer } = setUp();
    pipeline.prefill(4094, 1);
    expect(answer.take('a')).toBe(true);
    pipeline.decode(2);
    expect(answer.take('b')).toBe(false);
    expect(pieces.map(({ text }) => text)).toEqual(['a', 'b']);
    expect(answer.finish).toEqual({ finish: 'length', promptTokens: 4094, completionTokens: 2 });
  });

  it('is over at once behind a prefix that just fills the context, and refused where the turns do', () => {
    const behind = setUp(35);
    behind.pipeline.prefill(4096, 1);
    expect(behind.answer.take('a')).toBe(false);
    expect(behind.pieces).toEqual([]);
    expect(behind.answer.finish).toEqual({ finish: 'length', promptTokens: 35, completionTokens: 0 });
    const { pipeline, answer } = setUp();
    pipeline.prefill(4096, 1);
    expect(() => answer.take('a')).toThrow(expect.objectContaining({ code: 'prompt_too_long' }));
  });

  it('has no end of its context where the model forgets its oldest tokens', () => {
    const { pipeline, answer } = setUp();
    pipeline.contextWindowSize = -1;
    pipeline.prefill(100_000, 1);
    expect(answer.take('a')).toBe(true);
  });

  it('did not finish when nothing was ever written', () => {
    expect(() => setUp().answer.finish).toThrow(expect.objectContaining({ code: 'engine_failed' }));
  });
});
