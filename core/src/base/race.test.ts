import { describe, expect, it } from 'vitest';
import { MeshError, type ErrorCode } from './errors.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { race } from './race.ts';

const never = new AbortController().signal;
const HEAD_START_MS = 1_000;

interface Way {
  started: boolean;
  aborted: boolean;
  arrive: (what: string) => void;
  fail: (code: ErrorCode) => void;
}

function run(count: number, options: { afterFailure?: boolean; signal?: AbortSignal } = {}) {
  const clock = new ManualClock();
  const dropped: string[] = [];
  const ways: Way[] = [];
  const starts = Array.from({ length: count }, () => {
    const way: Way = { started: false, aborted: false, arrive: () => {}, fail: () => {} };
    ways.push(way);
    return (signal: AbortSignal) => {
      way.started = true;
      signal.addEventListener('abort', () => (way.aborted = true));
      return new Promise<string>((resolve, reject) => {
        way.arrive = resolve;
        way.fail = (code) => reject(new MeshError(code, 'No.'));
      });
    };
  });
  const outcome = race(starts, {
    clock,
    headStartMs: HEAD_START_MS,
    afterFailure: options.afterFailure ?? true,
    drop: (late) => dropped.push(late),
    signal: options.signal ?? never,
  });
  // It is awaited later, when its time has come.
  outcome.catch(() => {});
  return { clock, ways, dropped, outcome, started: () => ways.map((way) => way.started) };
}

describe('a race', () => {
  it('is over before the second starts when the first is in time', async () => {
    const { clock, ways, outcome, started } = run(2);
    await clock.advance(HEAD_START_MS - 1);
    ways[0]!.arrive('first');
    expect(await outcome).toBe('first');
    await clock.advance(10 * HEAD_START_MS);
    expect(started()).toEqual([true, false]);
  });

  it('lets the next join when one is late, takes the first to arrive, stops the others and drops late arrivals', async () => {
    const { clock, ways, dropped, outcome, started } = run(3);
    await clock.advance(HEAD_START_MS);
    expect(started()).toEqual([true, true, false]);
    ways[1]!.arrive('second');
    expect(await outcome).toBe('second');
    expect(ways[0]!.aborted).toBe(true);
    ways[0]!.arrive('first');
    await clock.advance(HEAD_START_MS);
    expect(dropped).toEqual(['first']);
    expect(started()).toEqual([true, true, false]);
  });

  it('can still be won by the first after the second started', async () => {
    const { clock, ways, outcome } = run(2);
    await clock.advance(HEAD_START_MS);
    ways[0]!.arrive('first');
    expect(await outcome).toBe('first');
    expect(ways[1]!.aborted).toBe(true);
  });

  it('starts the next at once when one fails, and is lost when all have failed, with the most telling error', async () => {
    const { clock, ways, outcome, started } = run(3);
    ways[0]!.fail('wrong_peer');
    await clock.advance(0);
    expect(started()).toEqual([true, true, false]);
    ways[1]!.fail('connect_failed');
    await clock.advance(0);
    ways[2]!.fail('control_unreachable');
    await expect(outcome).rejects.toMatchObject({ code: 'wrong_peer' });
  });

  it('ends with an early failure where a second try is only for hanging ones', async () => {
    const quick = run(2, { afterFailure: false });
    quick.ways[0]!.fail('connect_failed');
    await expect(quick.outcome).rejects.toMatchObject({ code: 'connect_failed' });
    expect(quick.started()).toEqual([true, false]);

    const late = run(2, { afterFailure: false });
    await late.clock.advance(HEAD_START_MS);
    late.ways[0]!.fail('connect_failed');
    await late.clock.advance(0);
    late.ways[1]!.arrive('second');
    expect(await late.outcome).toBe('second');
  });

  it('is called off at once, whatever still runs', async () => {
    const abort = new AbortController();
    const { clock, ways, dropped, outcome } = run(2, { signal: abort.signal });
    await clock.advance(HEAD_START_MS);
    abort.abort();
    await expect(outcome).rejects.toMatchObject({ code: 'cancelled' });
    expect(ways.map((way) => way.aborted)).toEqual([true, true]);
    ways[1]!.arrive('second');
    await clock.advance(0);
    expect(dropped).toEqual(['second']);
    expect(run(2, { signal: abort.signal }).started()).toEqual([false, false]);
  });
});
