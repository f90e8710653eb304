import { describe, expect, it } from 'vitest';
import { GuessPace } from './guess-pace.ts';

interface Computer {
  /** How long a step takes that checks so many tokens. */
  checkMs: (tokens: number) => number;
  guessMs: number;
}

const graphicsCard: Computer = { checkMs: () => 20, guessMs: 2 };
/** Measured with 100M parameters on one thread. */
const processor: Computer = { checkMs: (tokens) => (tokens === 1 ? 6 : 14 + 2 * tokens), guessMs: 1 };

/** Steps until the pace has settled, and a few more: of the last hundred, the length most used and milliseconds a token. */
function play(pace: GuessPace, { checkMs, guessMs }: Computer, right: (no: number) => boolean, steps = 1000) {
  const lengths: number[] = [];
  let [tokens, ms, no] = [0, 0, 0];
  for (let step = 0; step < steps; step += 1) {
    const { length } = pace;
    let taken = 0;
    while (taken < length && right((no += 1))) taken += 1;
    const stepMs = checkMs(length + 1) + length * guessMs;
    pace.record(length, taken, stepMs);
    if (step < steps - 100) continue;
    lengths.push(length);
    tokens += taken + 1;
    ms += stepMs;
  }
  const usual = lengths.toSorted((a, b) => a - b)[lengths.length >> 1];
  return { usual, msAToken: ms / tokens };
}

describe('GuessPace', () => {
  it('guesses far ahead where guesses are right and checking costs nothing', () => {
    expect(play(new GuessPace(), graphicsCard, () => true).usual).toBe(16);
  });

  it('guesses a little ahead where every third guess is wrong', () => {
    const { usual, msAToken } = play(new GuessPace(), graphicsCard, (no) => no % 3 !== 0);
    expect(usual).toBe(4);
    expect(msAToken).toBeLessThan(20);
  });

  it.each([
    ['a graphics card', graphicsCard],
    ['a processor', processor],
  ])('leaves the model alone on %s where guesses are wrong, and loses little by trying', (_, computer) => {
    const { usual, msAToken } = play(new GuessPace(), computer, () => false);
    expect(usual).toBe(0);
    expect(msAToken / computer.checkMs(1)).toBeLessThan(1.1);
  });

  it('does not guess half right on a processor where checking is expensive', () => {
    expect(play(new GuessPace(), processor, (no) => no % 2 === 0).usual).toBe(0);
    expect(play(new GuessPace(), processor, () => true).usual).toBe(16);
  });

  it('guesses again when a text has become easier', () => {
    const pace = new GuessPace();
    expect(play(pace, graphicsCard, () => false).usual).toBe(0);
    expect(play(pace, graphicsCard, () => true, 6000).usual).toBe(16);
  });

  it('forgets that something else made its first steps slow', () => {
    const pace = new GuessPace();
    play(pace, { checkMs: (tokens) => (tokens > 4 ? 500 : 20), guessMs: 2 }, () => true, 20);
    expect(play(pace, graphicsCard, () => true, 6000).usual).toBe(16);
  });

  it('keeps a trial for a guesser that finds something to guess', () => {
    const pace = new GuessPace();
    const { usual } = play(pace, processor, () => false);
    expect(usual).toBe(0);
    // It was asked for guesses and found none, which is not a trial.
    for (let i = 0; i < 600; i += 1) pace.record(0, 0, processor.checkMs(1));
    const { length } = pace;
    expect(length).toBeGreaterThan(0);
    pace.record(0, 0, null);
    expect(pace.length).toBe(length);
    // Fewer guesses than were asked for are a trial.
    pace.record(1, 0, null);
    expect(pace.length).toBe(0);
  });

  it('counts guesses, and does not take an exceptional time for a cost', () => {
    const pace = new GuessPace();
    pace.record(2, 1, null);
    expect(pace.count).toEqual({ guessed: 2, taken: 1 });
    expect(pace.length).toBe(0);
  });
});
