import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fuzz, type FuzzTarget } from './fuzz.ts';
import { messageDecoders } from './message-decoders.ts';
import { taskDecoders } from './task-decoders.ts';
import { modelDecoders } from './model-decoders.ts';
import { signedDecoders } from './signed-decoders.ts';
import { ledgerDecoders } from './ledger-decoders.ts';

const catalogue: unknown = JSON.parse(readFileSync(new URL('../../../models/catalogue.json', import.meta.url), 'utf8'));
const now = () => performance.now();

describe('damaged input', () => {
  it('is refused by every decoder or accepted, never anything else: 6,000 frames', { timeout: 120_000 }, async () => {
    const targets = [
      ...messageDecoders(catalogue),
      ...taskDecoders(),
      ...(await signedDecoders()),
      ...(await ledgerDecoders()),
      ...modelDecoders(),
    ];
    const { failure, ...counts } = await fuzz(targets, { frames: 6_000, seed: 1, now });
    expect(failure).toBeNull();
    expect(counts.frames).toBe(6_000);
    // If damage were always noticed at once, it would not get far into a decoder.
    expect(counts.accepted).toBeGreaterThan(300);
    expect(counts.refused).toBeGreaterThan(1_500);
  });

  it('is the same for the same seed', async () => {
    const inputs = async (seed: number) => {
      const seen: string[] = [];
      const target: FuzzTarget = {
        name: 'witness',
        weight: 1,
        seeds: [new Uint8Array([1, 2, 3])],
        values: [{ a: [1, 'x'] }],
        write: (value) => new TextEncoder().encode(JSON.stringify(value)),
        run: (input) => seen.push(input.join()) > 0,
      };
      await fuzz([target], { frames: 300, seed, now: () => 0 });
      return seen;
    };
    // On a clock that stands still: what took long is tried once more.
    expect(await inputs(5)).toEqual(await inputs(5));
    expect(await inputs(5)).not.toEqual(await inputs(6));
  });

  it('that takes long or much is reported, where it does so each time; nasty input is tried first', async () => {
    let [nowMs, bytes, hurry] = [0, 0, 0];
    const target: FuzzTarget = {
      name: 'slow',
      weight: 1,
      seeds: [new Uint8Array([1])],
      nasty: [new Uint8Array([7]), new Uint8Array([8]), new Uint8Array([9])],
      run: ([first]) => {
        if (first === 7) nowMs += 101;
        if (first === 8) bytes += 65 * 1_048_576;
        // The computer was busy with something else, once.
        if (first === 9) nowMs += hurry++ === 0 ? 5_000 : 1;
        return true;
      },
    };
    const told = await fuzz([target], { frames: 0, seed: 1, now: () => nowMs, memory: () => bytes });
    expect(told.slow.map(({ input }) => [...input])).toEqual([[7]]);
    expect(told.large.map(({ input }) => [...input])).toEqual([[8]]);
    expect(told).toMatchObject({ slowestMs: 101, failure: null });
  });

  it('that breaks a decoder is found, and cut down to what breaks it', async () => {
    const broken: FuzzTarget = {
      name: 'a decoder with a mistake',
      weight: 1,
      seeds: [new TextEncoder().encode('{"type":"hello"}')],
      run: (input) => {
        if (input.includes(0xff)) throw new TypeError(`byte ${input.indexOf(0xff)} is wrong`);
        return true;
      },
    };
    const { failure } = await fuzz([broken], { frames: 20_000, seed: 1, now });
    expect(failure).toMatchObject({ target: broken.name, smallest: new Uint8Array([0xff]) });
  });
});
