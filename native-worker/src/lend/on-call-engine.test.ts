import { beforeEach, describe, expect, it } from 'vitest';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { never } from '@llmesh/core/testing/mesh-world';
import { ScriptedEmbedder, ScriptedEngine, vectorOf } from '@llmesh/core/testing/scripted-engine';
import { OnCallEngine, type LoadedEngine } from './on-call-engine.ts';

const REQUEST: GenerateRequest = { turns: [{ role: 'user', content: 'why?' }], sampling: {}, maxTokens: 10 };
const IDLE_MS = 60_000;

class Scripted extends ScriptedEngine implements LoadedEngine {
  closed = 0;
  readonly #embedder = new ScriptedEmbedder();

  embed(texts: readonly string[], signal: AbortSignal) {
    return this.#embedder.embed(texts, signal);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

let clock: ManualClock;
let opened: Scripted[];
let turns: boolean[];
let failures: unknown[];
/** Loading takes until this resolves. */
let hold: Promise<void> | null;
let refusal: MeshError | null;
let first: Scripted;
let engine: OnCallEngine;
beforeEach(() => {
  clock = new ManualClock();
  [opened, turns, failures, hold, refusal] = [[], [], [], null, null];
  first = new Scripted(['a', 'b']);
  engine = new OnCallEngine(first, {
    clock,
    unloadAfterMs: IDLE_MS,
    turned: (loaded) => turns.push(loaded),
    failed: (error) => failures.push(error),
    open: async (signal) => {
      await hold;
      if (signal.aborted || refusal !== null) throw refusal ?? new MeshError('cancelled', 'Stopped.');
      const next = new Scripted(['a', 'b']);
      opened.push(next);
      return next;
    },
  });
});

async function ask(signal = never): Promise<string> {
  let text = '';
  for await (const piece of engine.generate(REQUEST, signal)) text += piece.text;
  return text;
}

describe('a model on call', () => {
  it('stays while it is asked, leaves after a while, and comes back with the next question', async () => {
    await clock.advance(IDLE_MS - 1);
    expect(await ask()).toBe('ab');
    await clock.advance(IDLE_MS - 1);
    expect([first.closed, opened.length]).toEqual([0, 0]);
    await clock.advance(1);
    expect([first.closed, turns]).toEqual([1, [false]]);
    expect(await ask()).toBe('ab');
    expect([opened.length, turns]).toEqual([1, [false, true]]);
    await clock.advance(IDLE_MS);
    expect([opened[0]!.closed, turns]).toEqual([1, [false, true, false]]);
  });

  it('comes back for texts, too', async () => {
    await clock.advance(IDLE_MS);
    const vectors: Float32Array[] = [];
    for await (const { vector } of engine.embed(['a', 'bc'], never)) vectors.push(vector);
    expect(vectors).toEqual([vectorOf('a'), vectorOf('bc')]);
    expect([opened.length, turns]).toEqual([1, [false, true]]);
  });

  it('checks answers of others while it is there, and does not come back for them', async () => {
    const scored = () => engine.score(REQUEST, [1, 2], never);
    await clock.advance(IDLE_MS - 1);
    expect((await scored()).margins).toEqual(Float32Array.of(0, 0));
    await clock.advance(IDLE_MS - 1);
    expect(first.closed).toBe(0);
    await clock.advance(1);
    await expect(scored()).rejects.toMatchObject({ code: 'busy' });
    expect(opened).toEqual([]);
  });

  it('does not leave in the middle of an answer, however long that takes', async () => {
    let goOn = () => {};
    first.hold = new Promise((resolve) => (goOn = resolve));
    const asked = ask();
    await clock.advance(10 * IDLE_MS);
    expect(first.closed).toBe(0);
    goOn();
    expect(await asked).toBe('ab');
  });

  it('is loaded once for all who ask meanwhile; one who leaves holds up nobody', async () => {
    await clock.advance(IDLE_MS);
    let goOn = () => {};
    hold = new Promise((resolve) => (goOn = resolve));
    const impatient = new AbortController();
    const left = ask(impatient.signal);
    const others = [ask(), ask()];
    impatient.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    goOn();
    expect(await Promise.all(others)).toEqual(['ab', 'ab']);
    expect(opened).toHaveLength(1);
  });

  it('is loaded ahead of a question, once, and leaves as after one', async () => {
    await engine.loadAhead();
    await clock.advance(IDLE_MS);
    // An expectation alone did not keep it in memory.
    expect(turns).toEqual([false]);
    await Promise.all([engine.loadAhead(), engine.loadAhead()]);
    expect(await ask()).toBe('ab');
    expect([opened.length, turns]).toEqual([1, [false, true]]);
    await clock.advance(IDLE_MS - 1);
    expect(opened[0]!.closed).toBe(0);
    await clock.advance(1);
    expect(turns).toEqual([false, true, false]);
    refusal = new MeshError('out_of_memory', 'No.');
    await expect(engine.loadAhead()).rejects.toMatchObject({ code: 'out_of_memory' });
    refusal = null;
    await engine.loadAhead();
    await clock.advance(IDLE_MS);
    expect(turns).toEqual([false, true, false, true, false]);
  });

  it('that cannot be loaded says why, and tries again with the next question', async () => {
    await clock.advance(IDLE_MS);
    refusal = new MeshError('out_of_memory', 'No.');
    await expect(ask()).rejects.toMatchObject({ code: 'out_of_memory' });
    refusal = null;
    await clock.advance(10 * IDLE_MS);
    expect(await ask()).toBe('ab');
    expect(failures).toEqual([]);
  });

  it('ends with its engine, in memory, out of it, and on its way', async () => {
    await engine.close();
    await engine.close();
    expect(first.closed).toBe(1);
    await expect(ask()).rejects.toMatchObject({ code: 'cancelled' });
    await clock.advance(10 * IDLE_MS);
    expect([turns, failures]).toEqual([[], []]);
  });

  it('that is closed while it is loaded is not loaded', async () => {
    await clock.advance(IDLE_MS);
    let goOn = () => {};
    hold = new Promise((resolve) => (goOn = resolve));
    const asked = ask();
    const closed = engine.close();
    goOn();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
    await closed;
    expect([opened.length, failures]).toEqual([0, []]);
  });
});
