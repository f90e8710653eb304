import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { getLlama, LlamaLogLevel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { MeshError } from '@llmesh/core/base/errors';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { prefixAt, runOf, textOf, type Run } from '@llmesh/core/suites/continuation';
import { Adapters } from './adapters.ts';
import { fileVersion } from '../files/file-version.ts';
import { LlamaEngine, type LlamaModelFile } from './llama-engine.ts';
import { rendersHere } from './answer/chat-renderer.ts';
import { promptTokens } from './answer/prompt-tokens.ts';
import { openAdapterContext } from './context/model-context.ts';
import { loraGguf, TINY_MATRICES } from '../testing/lora-gguf.ts';
import type { AdapterFile } from '../models/adapter-file.ts';

const tiny = fileURLToPath(new URL('../../../models/tiny/', import.meta.url));
const model = path.join(tiny, 'llmesh-tiny.gguf');
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(tiny, 'questions.json'), 'utf8'),
);
const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-adapters-'));
afterAll(() => rmSync(folder, { recursive: true }));
const never = new AbortController().signal;

async function adapter(seed: number): Promise<AdapterFile> {
  const bytes = loraGguf(TINY_MATRICES, { seed, strength: 1 });
  const file = path.join(folder, `${seed}.gguf`);
  writeFileSync(file, bytes);
  const version = await fileVersion(file);
  return { sha256: `${seed}`.repeat(64), name: `No. ${seed}`, path: file, sizeBytes: bytes.byteLength, version };
}

const [law, code] = [await adapter(1), await adapter(2)];
const on = (changes: Partial<LlamaModelFile> = {}): LlamaModelFile => ({
  path: model,
  threads: 1,
  gpu: 'off',
  slots: 2,
  contextTokens: 512,
  adapters: { files: [law, code] },
  ...changes,
});
const { question, answer } = questions[0]!;
const ask = (content = question, { sha256 }: Partial<AdapterFile> = {}): GenerateRequest => ({
  turns: [{ role: 'user', content }],
  sampling: { temperature: 0 },
  maxTokens: 48,
  ...(sha256 !== undefined && { adapter: sha256 }),
});
const textWith = async (engine: LlamaEngine, request: GenerateRequest) =>
  textOf((await runOf(engine, request, never)).pieces);

async function plainLlama() {
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.disabled });
  return { llama, loaded: await llama.loadModel({ modelPath: model, useMmap: false }) };
}

/** The answers of node-llama-cpp alone. */
async function raw(files: readonly AdapterFile[]): Promise<string[]> {
  const { llama, loaded } = await plainLlama();
  const answers: string[] = [];
  for (const { path: filePath } of files) {
    const context = await loaded.createContext({ contextSize: 512, threads: 1, lora: { adapters: [{ filePath }] } });
    const template = loaded.fileInfo.metadata.tokenizer.chat_template ?? '';
    const { tokens } = await promptTokens(
      { model: loaded, contextTokens: 512, chat: rendersHere(template, { bos: '', eos: '' }) },
      ask(),
      false,
      48,
      () => {},
    );
    const sequence = context.getSequence();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(0, -1));
    const written = [];
    for await (const token of sequence.evaluate(tokens.slice(-1), { temperature: 0 })) {
      written.push(token);
      if (written.length === 48) break;
    }
    answers.push(loaded.detokenize(written));
    await context.dispose();
  }
  await llama.dispose();
  return answers;
}

describe('LlamaEngine with adapters', () => {
  let engine: LlamaEngine;
  let lawText: string;
  let codeText: string;
  beforeAll(async () => {
    engine = new LlamaEngine();
    const loaded = await engine.load(on(), () => {}, never);
    expect(loaded).toMatchObject({ slots: 2, adapterCapacity: { adapters: 2, slots: 1 } });
    lawText = await textWith(engine, ask(question, law));
    codeText = await textWith(engine, ask(question, code));
  });
  afterAll(() => engine.close());

  it('answers with each as llama.cpp does, and without as the model is', async () => {
    expect([lawText, codeText]).toEqual(await raw([law, code]));
    expect(new Set([lawText, codeText, answer.slice(0, 40)]).size).toBe(3);
    expect(await textWith(engine, { ...ask(), maxTokens: 512 })).toBe(answer);
  });

  it('mixes nothing up when all are asked at once, more than there are sequences', async () => {
    const asked = [undefined, law, code, undefined, law, code, law];
    const texts = await Promise.all(asked.map((file) => textWith(engine, ask(question, file))));
    const plain = await textWith(engine, ask());
    expect(texts).toEqual([plain, lawText, codeText, plain, lawText, codeText, lawText]);
    expect(answer).toContain(plain);
  });

  it('continues what was written with the adapter, at any token', async () => {
    const whole: Run = await runOf(engine, ask(question, law), never);
    for (const cut of [1, 7, whole.pieces.length - 1]) {
      const prefix = prefixAt(whole, cut, { ids: true, replay: true });
      const rest = await textWith(engine, { ...ask(question, law), prefix, maxTokens: 48 - prefix.tokens });
      expect(prefix.text + rest).toBe(lawText);
    }
  });

  it('keeps memory for them when it is planned how many are answered at once', async () => {
    const withMemory = async (files: AdapterFile[], ramBytes = 20e6) => {
      const free = async () => ({ ramBytes, vramBytes: 0, unified: false });
      const small = new LlamaEngine(free);
      const { slots } = await small.load({ path: model, threads: 1, gpu: 'off', adapters: { files } }, () => {}, never);
      await small.close();
      return slots;
    };
    expect(await withMemory([law, code])).toBeLessThan(await withMemory([]));
    await expect(withMemory([law], 2e6)).rejects.toMatchObject({ message: expect.stringContaining('--lora-cap') });
  });

  it('tells how likely its words were, as for any other answer', async () => {
    const { pieces } = await runOf(engine, { ...ask(question, law), logprobs: 1 }, never);
    expect(textOf(pieces)).toBe(lawText);
    expect(pieces.flatMap(({ logprobs = [] }) => logprobs)).toHaveLength(
      pieces.flatMap(({ tokenIds = [] }) => tokenIds).length,
    );
  });

  it('refuses one that it does not have', async () => {
    const unknown = ask(question, { sha256: 'f'.repeat(64) });
    await expect(textWith(engine, unknown)).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('holds one at once where that is the cap: both are answered in turns', async () => {
    const one = new LlamaEngine();
    await one.load(on({ adapters: { files: [law, code], cap: 1 } }), () => {}, never);
    const asked = [law, code, law, undefined, code];
    const texts = await Promise.all(asked.map((file) => textWith(one, ask(question, file))));
    expect(texts).toEqual([lawText, codeText, lawText, await textWith(engine, ask()), codeText]);
    await one.close();
  });

  it('works on after one that was changed, or is damaged behind its header', async () => {
    const changed = await adapter(3);
    const cut = await adapter(4);
    const bytes = readFileSync(cut.path);
    writeFileSync(cut.path, bytes.subarray(0, bytes.byteLength >> 1));
    const other = new LlamaEngine();
    const files = [changed, { ...cut, version: await fileVersion(cut.path) }, law];
    await other.load(on({ adapters: { files } }), () => {}, never);
    writeFileSync(changed.path, 'Something else.');
    await expect(textWith(other, ask(question, changed))).rejects.toMatchObject({ code: 'model_integrity' });
    await expect(textWith(other, ask(question, cut))).rejects.toMatchObject({ code: 'engine_failed' });
    expect(await textWith(other, ask(question, law))).toBe(lawText);
    await other.close();
  });

  it('refuses questions, and waits for nobody, once it is closed', async () => {
    const closing = new LlamaEngine();
    await closing.load(on({ adapters: { files: [law, code], cap: 1 } }), () => {}, never);
    const writing = closing.generate(ask(question, law), never);
    await writing.next();
    const asked = [writing.next(), textWith(closing, ask(question, code)), textWith(closing, ask(question, law))];
    const outcomes = Promise.allSettled(asked);
    await closing.close();
    expect((await outcomes).map((one) => one.status === 'rejected' && (one.reason as MeshError).code)).toEqual(
      asked.map(() => 'cancelled'),
    );
  });
});

it('an adapter that leaves takes its weights with it', async () => {
  const { llama, loaded } = await plainLlama();
  const size = { slots: 1, contextTokens: 256, threads: 1 };
  const weights = () => (Reflect.get(loaded, '_loraAdapters') as Map<string, unknown>).size;
  const contexts = [
    await openAdapterContext(loaded, law, size, null, never),
    await openAdapterContext(loaded, code, size, null, never),
  ];
  expect(weights()).toBe(2);
  for (const context of contexts) await context.close();
  expect(weights()).toBe(0);
  const abort = new AbortController();
  const stopped = openAdapterContext(loaded, law, size, null, abort.signal);
  abort.abort();
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  expect(weights()).toBe(0);
  await llama.dispose();
});

describe('Adapters, of contexts that are scripted', () => {
  const reading = { tokens: [], requester: null, open: 0, exact: true };
  const files = [law, code, { ...law, sha256: '9'.repeat(64) }];
  const [a, b, c] = files.map(({ sha256 }) => sha256) as [string, string, string];

  function scripted(cap: number) {
    const log: string[] = [];
    const failing = new Set<string>();
    let hold = Promise.resolve();
    const adapters = new Adapters({ files, cap }, async ({ sha256 }) => {
      const name = sha256.slice(0, 1);
      log.push(`open ${name}`);
      await hold;
      if (failing.has(sha256)) throw new MeshError('out_of_memory', 'Full.');
      return {
        hold: async () => ({ sequence: null as never, isWanted: () => false, end: () => log.push(`end ${name}`) }),
        close: async () => void log.push(`close ${name}`),
      };
    });
    const holding = () => {
      let release = () => {};
      hold = new Promise((resolve) => (release = resolve));
      return release;
    };
    const sit = (sha256: string, signal = never) => adapters.sit(sha256, reading, signal);
    return { adapters, log, failing, holding, sit };
  }

  it('the longest unused leaves, when it is idle, before another comes', async () => {
    const { log, sit } = scripted(2);
    const first = await sit(a);
    (await sit(b)).end();
    (await sit(c)).end();
    (await sit(b)).end();
    first.end();
    (await sit(a)).end();
    (await sit(c)).end();
    expect(log.filter((line) => !line.startsWith('end'))).toEqual([
      ...['open 1', 'open 2', 'close 2', 'open 9', 'close 9', 'open 2', 'close 2', 'open 9'],
    ]);
  });

  it('a request for one while all are in use waits, and may give up', async () => {
    const { log, sit } = scripted(1);
    const first = await sit(a);
    const abort = new AbortController();
    const givenUp = sit(b, abort.signal);
    const waiting = sit(c);
    abort.abort();
    await expect(givenUp).rejects.toMatchObject({ code: 'cancelled' });
    expect(log).toEqual(['open 1']);
    first.end();
    (await waiting).end();
    expect(log).toEqual(['open 1', 'end 1', 'close 1', 'open 9', 'end 9']);
  });

  it('one that is being loaded is loaded for the next one, though its requester has left', async () => {
    const { log, holding, sit } = scripted(1);
    const release = holding();
    const abort = new AbortController();
    const left = sit(a, abort.signal);
    abort.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    const next = sit(a);
    release();
    (await next).end();
    expect(log).toEqual(['open 1', 'end 1']);
  });

  it('one that cannot be loaded fails for its requesters, and is tried again', async () => {
    const { log, failing, sit } = scripted(1);
    failing.add(a);
    const both = await Promise.allSettled([sit(a), sit(a), sit(b)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    (both[2] as PromiseFulfilledResult<{ end(): void }>).value.end();
    failing.clear();
    (await sit(a)).end();
    expect(log).toEqual(['open 1', 'open 2', 'end 2', 'close 2', 'open 1', 'end 1']);
  });

  it('what was fetched leaves when nobody has used it for a while, and what was named by the owner stays', async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    const guest = { ...law, sha256: '8'.repeat(64) };
    const adapters = new Adapters(
      { files: [law], fetch: async () => guest },
      async ({ sha256 }) => ({
        hold: async () => ({ sequence: null as never, isWanted: () => false, end: () => {} }),
        close: async () => void log.push(`close ${sha256.slice(0, 1)}`),
      }),
      clock,
    );
    (await adapters.sit(a, reading, never)).end();
    const first = await adapters.sit(guest.sha256, reading, never);
    await clock.advance(1_000_000);
    expect(log).toEqual([]);
    first.end();
    await clock.advance(400_000);
    (await adapters.sit(guest.sha256, reading, never)).end();
    await clock.advance(400_000);
    expect(log).toEqual([]);
    await clock.advance(300_000);
    expect(log).toEqual(['close 8']);
    await adapters.close();
    expect(log).toEqual(['close 8', 'close 1']);
  });

  it('closes all, and sends away those who wait', async () => {
    const { adapters, log, sit } = scripted(1);
    (await sit(a)).end();
    const used = await sit(a);
    const waiting = sit(b);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await adapters.close();
    await adapters.close();
    await refused;
    used.end();
    await expect(sit(a)).rejects.toMatchObject({ code: 'cancelled' });
    expect(log).toEqual(['open 1', 'end 1', 'close 1', 'end 1']);
  });
});
