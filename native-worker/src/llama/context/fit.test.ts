import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fitsInto,
  largestThatFits,
  planFit,
  availableBytes,
  type FitRequest,
  type Layout,
  type Machine,
} from './fit.ts';

const GB = 1e9;
const LAYERS = 32;

/** A model like one of 8B parameters: 5 GB of weights, 1 GB for each 8,192 tokens of context. */
const estimate = ({ gpuLayers, contextTokens, slots }: Layout) => {
  const bytes = 5 * GB + (contextTokens / 8192) * slots * GB;
  const vramBytes = (bytes * gpuLayers) / LAYERS;
  return Promise.resolve({ ramBytes: bytes - vramBytes, vramBytes });
};
const processor = (ramGB: number): Machine => ({ ramBytes: ramGB * GB, vramBytes: 0, unified: false });
const card = (vramGB: number, ramGB = 16): Machine => ({
  ramBytes: ramGB * GB,
  vramBytes: vramGB * GB,
  unified: false,
});
const apple = (ramGB: number): Machine => ({ ramBytes: ramGB * GB, vramBytes: 0.7 * ramGB * GB, unified: true });

const plan = (machine: Machine, more: Partial<FitRequest> = {}) =>
  planFit({
    layers: LAYERS,
    trainContextTokens: 32_768,
    machine,
    contextTokens: null,
    slots: null,
    usualContextTokens: null,
    estimate,
    ...more,
  });
const layout = (gpuLayers: number, contextTokens: number, slots: number) => ({
  fits: true,
  layout: { gpuLayers, contextTokens, slots },
});

describe('planFit', () => {
  it.each([
    ['takes the usual context and four slots where memory allows', processor(16), layout(0, 8192, 4)],
    ['gives up slots first', processor(7), layout(0, 8192, 2)],
    ['keeps one slot', processor(6), layout(0, 8192, 1)],
    ['gives up context last', processor(5.6), layout(0, 4096, 1)],
    ['goes down to the shortest useful one', processor(5.1), layout(0, 512, 1)],
    ['lets a card that holds the whole model answer eight', card(16), layout(32, 8192, 8)],
    ['takes a shorter context for the whole model on the card', card(5.6), layout(32, 4096, 1)],
    ['leaves a part to the processor rather than a useless context', card(5.2), layout(18, 8192, 4)],
    ['counts memory that card and processor share once', apple(9), layout(32, 8192, 1)],
    ['leaves to the processor what the share of the card does not hold', apple(7.5), layout(24, 8192, 2)],
  ])('%s', async (_, machine, expected) => {
    expect(await plan(machine)).toEqual(expected);
  });

  it('does what its owner insists on', async () => {
    expect(await plan(processor(30), { contextTokens: 16_384, slots: 6 })).toEqual(layout(0, 16_384, 6));
    expect(await plan(processor(7.5), { contextTokens: 16_384 })).toEqual(layout(0, 16_384, 1));
    expect(await plan(processor(7.5), { slots: 2 })).toEqual(layout(0, 8192, 2));
    expect(await plan(processor(30), { usualContextTokens: 4096 })).toEqual(layout(0, 4096, 4));
  });

  it('has no longer context than the model was trained on', async () => {
    expect(await plan(processor(16), { trainContextTokens: 2048 })).toEqual(layout(0, 2048, 4));
    expect(await plan(processor(16), { trainContextTokens: 2048, contextTokens: 9000 })).toEqual(layout(0, 2048, 4));
    expect(await plan(processor(16), { trainContextTokens: 256 })).toEqual(layout(0, 256, 4));
  });

  it('says what would fit instead of what its owner insists on', async () => {
    expect(await plan(processor(7), { contextTokens: 32_768, slots: 4 })).toEqual({
      fits: false,
      need: { ramBytes: 21 * GB, vramBytes: 0 },
      instead: { gpuLayers: 0, contextTokens: 8192, slots: 2 },
    });
  });

  it('says what the least needs where nothing fits', async () => {
    const result = await plan(processor(4));
    expect(result).toMatchObject({ fits: false, instead: null });
    expect(result.fits ? 0 : result.need.ramBytes).toBeCloseTo(5.0625 * GB);
  });

  it('never plans more than there is, and never refuses what would do', async () => {
    const gigabytes = fc.double({ min: 0, max: 20, noNaN: true });
    const machines = fc.record({ ram: gigabytes, vram: gigabytes, unified: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(machines, async ({ ram, vram, unified }) => {
        const machine = { ramBytes: ram * GB, vramBytes: vram * GB, unified };
        const result = await plan(machine);
        if (result.fits) expect(fitsInto(await estimate(result.layout), machine)).toBe(true);
        else expect(availableBytes({ ...machine, vramBytes: 0 })).toBeLessThan(5.07 * GB);
      }),
    );
  });
});

describe('largestThatFits', () => {
  const editions = [18, 12, 9, 5, 3].map((gb) => ({ sizeBytes: gb * GB }));

  it('takes the largest smaller one, with the same context', () => {
    expect(largestThatFits(editions, { sizeBytes: 18 * GB, needBytes: 20 * GB }, processor(12))).toEqual(editions[2]);
    expect(largestThatFits(editions, { sizeBytes: 18 * GB, needBytes: 20 * GB }, card(6, 8))).toEqual(editions[1]);
  });

  it('knows none for a very small computer', () => {
    expect(largestThatFits(editions, { sizeBytes: 18 * GB, needBytes: 20 * GB }, processor(4))).toBeNull();
  });
});
