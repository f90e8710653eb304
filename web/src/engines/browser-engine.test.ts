import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import { expose } from 'comlink';
import { describe, expect, it } from 'vitest';
import { BrowserEngine } from './browser-engine.ts';
import type { EngineHostApi } from './worker-wire.ts';

/** A worker whose inside is `host`, in this thread: real Comlink over a real channel, no inference. */
class PretendWorker extends EventTarget {
  readonly #channel = new MessageChannel();
  terminated = false;

  constructor(host: EngineHostApi) {
    super();
    expose(host, this.#channel.port2);
    this.#channel.port1.addEventListener('message', (event) => {
      if (!this.terminated)
        this.dispatchEvent(new MessageEvent('message', { data: event.data, ports: [...event.ports] }));
    });
    this.#channel.port1.start();
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    if (!this.terminated) this.#channel.port1.postMessage(message, transfer);
  }

  terminate(): void {
    this.terminated = true;
    this.#channel.port1.close();
    this.#channel.port2.close();
  }
}

class PretendHost implements EngineHostApi {
  loads = 0;
  checks = 0;
  /** Called when the first check, which never ends by itself, is under way. */
  checking = () => {};
  /** null: never ends by itself. */
  pieces: string[] | null = ['a', 'b', 'c'];
  hearsCancel = true;
  lost: ((code: 'device_lost', message: string) => void) | null = null;
  #cancel = () => {};
  #cancelled = Promise.resolve();

  async probe() {
    return { ok: false, code: 'webgpu_absent', message: 'no', detail: '' } as const;
  }

  async load(...[, , onProgress, onLost]: Parameters<EngineHostApi['load']>) {
    this.loads += 1;
    this.lost = onLost;
    onProgress({ phase: 'download', loadedBytes: 1, totalBytes: 2 });
    return { ok: true, value: LOADED } as const;
  }

  async generate(_: GenerateRequest, onPiece: (piece: Piece) => unknown) {
    this.#cancelled = new Promise((resolve) => {
      this.#cancel = resolve;
    });
    for (const text of this.pieces ?? ['a']) await onPiece({ text, tokens: 1 });
    if (this.pieces === null) {
      await this.#cancelled;
      return { ok: false, code: 'cancelled', message: 'Stopped.', detail: '' } as const;
    }
    return { ok: true, value: { finish: 'stop', promptTokens: 1, completionTokens: 3 } } as const;
  }

  async score(_: GenerateRequest, tokenIds: readonly number[]) {
    this.checks += 1;
    if (this.checks === 1) {
      this.#cancelled = new Promise((resolve) => {
        this.#cancel = resolve;
      });
      this.checking();
      await this.#cancelled;
      return { ok: false, code: 'cancelled', message: 'Stopped.', detail: '' } as const;
    }
    const none = new Float32Array(tokenIds.length);
    const drawn = Int32Array.from(tokenIds);
    const value = { mode: 'greedy', drawn, margins: none, logprobs: none, entropies: null, promptTokens: 1 } as const;
    return { ok: true, value } as const;
  }

  cancel(): void {
    if (this.hearsCancel) this.#cancel();
  }

  async close(): Promise<void> {}
}

const LOADED = { contextTokens: 2048, backend: 'wasm', slots: 1, continues: 'text', replays: false } as const;
const MODEL = { id: 'm', format: 'gguf' } as CatalogueModel;
const ASK: GenerateRequest = { turns: [{ role: 'user', content: 'hi' }], sampling: {}, maxTokens: 9 };

function setUp(host = new PretendHost()) {
  const workers: PretendWorker[] = [];
  const trials: string[] = [];
  const clock = new ManualClock();
  const engine = new BrowserEngine({
    spawn: () => {
      const worker = new PretendWorker(host);
      workers.push(worker);
      return worker as unknown as Worker;
    },
    whyNotBegun: async () => new MeshError('page_outdated', 'Reload.'),
    settings: () => ({ mirror: null, hadGpu: false }),
    tryModel: async (untested, _, signal) => {
      trials.push((await read(untested.generate(ASK, signal))).text);
      if (trials.at(-1) === 'nonsense') throw new MeshError('self_test_failed', 'Nonsense.');
      return null;
    },
    clock,
  });
  return { host, workers, clock, engine, trials };
}

async function read(pieces: AsyncGenerator<Piece, Finish, undefined>): Promise<{ text: string; finish: Finish }> {
  let text = '';
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return { text, finish: next.value };
    text += next.value.text;
  }
}

describe('BrowserEngine, with a pretended worker', () => {
  const never = new AbortController().signal;

  it('lets an answer go before a check that runs, and checks behind it', async () => {
    const { engine, host } = setUp();
    await engine.load(MODEL, () => {}, never);
    const begun = new Promise<void>((resolve) => {
      host.checking = resolve;
    });
    const check = engine.score(ASK, [5, 6], never);
    await begun;
    const answer = read(engine.generate(ASK, never));
    expect((await Promise.race([check, answer])) as unknown).toMatchObject({ text: 'abc' });
    expect((await check).drawn).toEqual(Int32Array.of(5, 6));
    expect(host.checks).toBe(2);
    const given = engine.score(ASK, [5], AbortSignal.abort());
    await expect(given).rejects.toMatchObject({ code: 'cancelled' });
    await engine.close();
  });

  it('loads, streams every piece before the end, and says how it ended', async () => {
    const { engine } = setUp();
    const steps: number[] = [];
    await engine.load(MODEL, ({ loadedBytes }) => steps.push(loadedBytes), never);
    expect(await read(engine.generate(ASK, never))).toMatchObject({ text: 'abc', finish: { completionTokens: 3 } });
    expect(steps).toEqual([1]);
    await engine.close();
  });

  it('keeps the code of an error', async () => {
    const { engine } = setUp();
    await expect(engine.probe(never)).rejects.toMatchObject({ code: 'webgpu_absent' });
    await engine.close();
  });

  it('answers one after the other', async () => {
    const { engine } = setUp();
    await engine.load(MODEL, () => {}, never);
    const answers = await Promise.all([read(engine.generate(ASK, never)), read(engine.generate(ASK, never))]);
    expect(answers.map(({ text }) => text)).toEqual(['abc', 'abc']);
    await engine.close();
  });

  it('ends the worker when a load is not wanted any more', async () => {
    const { engine, workers, host } = setUp();
    host.load = () => new Promise(() => {});
    const abort = new AbortController();
    const load = engine.load(MODEL, () => {}, abort.signal);
    abort.abort();
    await expect(load).rejects.toMatchObject({ code: 'cancelled' });
    expect(workers[0]?.terminated).toBe(true);
    await engine.close();
  });

  it('cancels in mid-answer and keeps the worker when it stops', async () => {
    const { engine, workers, host } = setUp();
    await engine.load(MODEL, () => {}, never);
    host.pieces = null;
    const abort = new AbortController();
    const pieces = engine.generate(ASK, abort.signal);
    await pieces.next();
    abort.abort();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'cancelled' });
    expect(workers[0]?.terminated).toBe(false);
    host.pieces = ['d'];
    expect((await read(engine.generate(ASK, never))).text).toBe('d');
    await engine.close();
  });

  it('ends a worker that does not stop, and has the model again, tried, for the next answer', async () => {
    const { engine, workers, host, clock, trials } = setUp();
    const [steps, reloads]: [number[], Promise<void>[]] = [[], []];
    engine.onReload = (ended) => reloads.push(ended);
    await engine.load(MODEL, ({ loadedBytes }) => steps.push(loadedBytes), never);
    host.pieces = null;
    host.hearsCancel = false;
    const abort = new AbortController();
    const pieces = engine.generate(ASK, abort.signal);
    await pieces.next();
    const end = pieces.next();
    abort.abort();
    await clock.advance(10_000);
    await expect(end).rejects.toMatchObject({ code: 'cancelled' });
    expect(workers[0]?.terminated).toBe(true);
    host.pieces = ['again'];
    expect(reloads).toHaveLength(1);
    await reloads[0];
    expect(steps).toEqual([1, 1]);
    expect((await read(engine.generate(ASK, never))).text).toBe('again');
    expect([host.loads, trials]).toEqual([2, ['again']]);
    await engine.close();
  });

  it('waits longer for the cancel of an engine that writes slowly', async () => {
    const { engine, workers, host, clock } = setUp();
    await engine.load(MODEL, () => {}, never);
    const slowly = host.generate.bind(host);
    host.generate = (request, onPiece) =>
      slowly(request, async (piece) => {
        const taken = onPiece(piece);
        await taken;
        await clock.advance(20_000);
      });
    host.pieces = ['a', 'b', 'c'];
    await read(engine.generate(ASK, never));
    host.generate = slowly;
    host.pieces = null;
    host.hearsCancel = false;
    const abort = new AbortController();
    const pieces = engine.generate(ASK, abort.signal);
    await pieces.next();
    const end = pieces.next().catch((error: unknown) => error);
    abort.abort();
    await clock.advance(30_000);
    expect(workers[0]?.terminated).toBe(false);
    await clock.advance(15_000);
    expect(await end).toMatchObject({ code: 'cancelled' });
    expect(workers[0]?.terminated).toBe(true);
    await engine.close();
  });

  it('has the model again once, whoever stops the answer: its signal, and a reader that walks away', async () => {
    const { engine, host, clock } = setUp();
    await engine.load(MODEL, () => {}, never);
    host.hearsCancel = false;
    // Takes what comes, and never ends.
    host.pieces = null;
    const abort = new AbortController();
    const pieces = engine.generate(ASK, abort.signal);
    await pieces.next();
    abort.abort();
    const walked = pieces.return({ finish: 'stop', promptTokens: 0, completionTokens: 0 });
    host.pieces = ['again'];
    // All at once, as on a machine that is busy.
    clock.turn(0);
    for (let i = 0; i < 50; i++) await Promise.resolve();
    clock.turn(10_000);
    await walked;
    expect((await read(engine.generate(ASK, never))).text).toBe('again');
    expect(host.loads).toBe(2);
    await engine.close();
  });

  it('is lost when a model that was loaded anew fails its trial', async () => {
    const { engine, host, clock } = setUp();
    const lost: unknown[] = [];
    engine.onLost = (error) => lost.push(error);
    await engine.load(MODEL, () => {}, never);
    host.pieces = null;
    host.hearsCancel = false;
    const abort = new AbortController();
    const pieces = engine.generate(ASK, abort.signal);
    await pieces.next();
    const end = pieces.next();
    abort.abort();
    host.pieces = ['nonsense'];
    await clock.advance(10_000);
    await expect(end).rejects.toMatchObject({ code: 'cancelled' });
    await expect(read(engine.generate(ASK, never))).rejects.toMatchObject({ code: 'engine_failed' });
    expect(lost).toMatchObject([{ code: 'self_test_failed' }]);
    await engine.close();
  });

  it('fails what waits and says so once when the worker dies', async () => {
    const { engine, workers, host } = setUp();
    const lost: unknown[] = [];
    engine.onLost = (error) => lost.push(error);
    await engine.load(MODEL, () => {}, never);
    host.pieces = null;
    const pieces = engine.generate(ASK, never);
    await pieces.next();
    workers[0]?.dispatchEvent(new Event('error'));
    workers[0]?.dispatchEvent(new Event('error'));
    await expect(pieces.next()).rejects.toMatchObject({ code: 'engine_failed' });
    expect(lost).toHaveLength(1);
    await engine.close();
  });

  it('asks why a worker never began, and can begin another', async () => {
    const { engine, workers } = setUp();
    const probing = engine.probe(never);
    workers[0]?.dispatchEvent(new Event('error'));
    await expect(probing).rejects.toMatchObject({ code: 'page_outdated' });
    await engine.load(MODEL, () => {}, never);
    expect(workers.map(({ terminated }) => terminated)).toEqual([true, false]);
    await engine.close();
  });

  it('passes on that the device was lost', async () => {
    const { engine, host } = setUp();
    const lost = new Promise<Error>((resolve) => {
      engine.onLost = resolve;
    });
    await engine.load(MODEL, () => {}, never);
    host.lost?.('device_lost', 'gone');
    expect(await lost).toMatchObject({ code: 'device_lost', message: 'gone' });
    await engine.close();
    await engine.close();
  });
});
