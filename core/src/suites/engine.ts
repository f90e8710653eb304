/** What every engine must do, whatever runs beneath it. The suite uses the tiny model, whose answers are known by heart. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Finish, GenerateRequest, LoadedModel, LoadProgress } from '../engine/engine.ts';
import { MeshError } from '../base/errors.ts';
import { continuationSuite } from './engine-continuation.ts';
import { turnsSuite } from './engine-turns.ts';

export interface EngineSuiteOptions<M> {
  /** Makes a new engine, with nothing loaded. */
  make: () => Engine<M>;
  /** The tiny model. */
  model: M;
  /** The same file cut short, and a file that is not a model. */
  truncated: M;
  notAModel: M;
  missing: M;
  /** Whether an answer may begin with words that the conversation ends in. */
  prefills: boolean;
  /** From `models/tiny/questions.json`; at least 8, one of them long. */
  questions: readonly { question: string; answer: string }[];
}

const never = new AbortController().signal;

export function engineSuite<M>(name: string, options: EngineSuiteOptions<M>): void {
  describe(`engine suite: ${name}`, () => {
    const { questions } = options;
    const long = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
    let engine: Engine<M>;
    let loaded: LoadedModel;
    const progress: LoadProgress[] = [];

    beforeAll(async () => {
      engine = options.make();
      loaded = await engine.load(options.model, (step) => progress.push(step), never);
    });
    afterAll(() => engine.close());

    it('probes what would really run', async () => {
      const probe = await engine.probe(never);
      expect(probe.device).not.toBe('');
      expect(probe.backend).toBe(loaded.backend);
    });

    it('reports what it loaded, and its progress', () => {
      expect(loaded.contextTokens).toBeGreaterThanOrEqual(2048);
      expect(loaded.slots).toBeGreaterThanOrEqual(1);
      expect(progress.length).toBeGreaterThan(0);
      for (const step of progress) expect(step.loadedBytes).toBeLessThanOrEqual(step.totalBytes ?? Infinity);
    });

    it('answers word for word under greedy decoding', async () => {
      for (const { question, answer } of questions) {
        const { text, finish } = await collect(engine, ask(question));
        expect(text).toBe(answer);
        expect(finish.finish).toBe('stop');
        expect(finish.completionTokens).toBeGreaterThan(0);
        expect(finish.promptTokens).toBeGreaterThan(0);
      }
    });

    it('counts its tokens', async () => {
      const { tokens, ids, finish } = await collect(engine, ask(long.question));
      expect(tokens).toBe(finish.completionTokens);
      if (ids.length > 0) expect(ids.length).toBe(tokens);
    });

    it('stops at maxTokens', async () => {
      const { finish, text } = await collect(engine, { ...ask(long.question), maxTokens: 5 });
      expect(finish).toMatchObject({ finish: 'length', completionTokens: 5 });
      expect(long.answer.startsWith(text)).toBe(true);
    });

    it('gives the same words for the same seed', async () => {
      const request = { ...ask(long.question), sampling: { temperature: 1.5, topP: 1, seed: 7 }, maxTokens: 24 };
      const once = await collect(engine, request);
      const again = await collect(engine, request);
      expect(again.text).toBe(once.text);
    });

    it('answers a later turn as it would in a fresh conversation of the same turns', async () => {
      const [first, second] = [questions[0], questions[1]];
      if (first === undefined || second === undefined) throw new Error('needs two questions');
      const turns: GenerateRequest['turns'] = [
        { role: 'user', content: first.question },
        { role: 'assistant', content: first.answer },
        { role: 'user', content: second.question },
      ];
      await collect(engine, ask(first.question));
      const warm = await collect(engine, { ...ask(''), turns });
      await collect(engine, ask(long.question));
      const cold = await collect(engine, { ...ask(''), turns });
      expect(warm.text).toBe(cold.text);
    });

    it('writes as many answers at once as it has slots, each as if alone', async () => {
      const asked = questions.slice(0, Math.min(loaded.slots, 4));
      const answers = await Promise.all(asked.map(({ question }) => collect(engine, ask(question))));
      expect(answers.map(({ text }) => text)).toEqual(asked.map(({ answer }) => answer));
    });

    continuationSuite({ subject: () => ({ engine, loaded }), questions });
    turnsSuite({ subject: () => ({ engine }), questions, prefills: options.prefills });

    it('stops computing when cancelled in mid-answer, and works on', async () => {
      const abort = new AbortController();
      const pieces = engine.generate(ask(long.question), abort.signal);
      await pieces.next();
      abort.abort();
      await expect(drain(pieces)).rejects.toMatchObject({ code: 'cancelled' });
      const { text } = await collect(engine, ask(long.question));
      expect(text).toBe(long.answer);
    });

    it('stops computing when its consumer walks away', async () => {
      for await (const _ of engine.generate(ask(long.question), never)) break;
      const { text } = await collect(engine, ask(long.question));
      expect(text).toBe(long.answer);
    });

    it('a cancel bites while a long prompt is read', async () => {
      const abort = new AbortController();
      const pieces = engine.generate(ask('word '.repeat(1200)), abort.signal);
      const first = pieces.next();
      abort.abort();
      await expect(first.then(() => drain(pieces))).rejects.toMatchObject({ code: 'cancelled' });
      const { text } = await collect(engine, ask(long.question));
      expect(text).toBe(long.answer);
    });

    it('refuses at once when the signal has aborted', async () => {
      const abort = new AbortController();
      abort.abort();
      await expect(drain(engine.generate(ask('hello'), abort.signal))).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('refuses a prompt that leaves no room for an answer', async () => {
      const request = ask('many words '.repeat(20_000));
      await expect(collect(engine, request)).rejects.toMatchObject({ code: 'prompt_too_long' });
    });

    it.each([
      ['a missing file', options.missing, ['model_not_found', 'model_download_failed']],
      ['a truncated file', options.truncated, ['model_unreadable', 'model_integrity']],
      ['a file that is not a model', options.notAModel, ['model_unreadable', 'model_integrity']],
    ] as const)('says what is wrong with %s', async (_, model, codes) => {
      const other = options.make();
      try {
        const error = await other
          .load(model, () => {}, never)
          .then(
            () => null,
            (thrown: unknown) => thrown,
          );
        expect(error).toBeInstanceOf(MeshError);
        expect(codes).toContain((error as MeshError).code);
        expect((error as MeshError).message.length).toBeGreaterThan(20);
      } finally {
        await other.close();
      }
    });

    it('gives up loading when the signal aborts', async () => {
      const other = options.make();
      const abort = new AbortController();
      abort.abort();
      await expect(other.load(options.model, () => {}, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
      await other.close();
      await other.close();
    });
  });
}

function ask(question: string): GenerateRequest {
  return { turns: [{ role: 'user', content: question }], sampling: { temperature: 0 }, maxTokens: 1024 };
}

interface Collected {
  text: string;
  tokens: number;
  ids: number[];
  finish: Finish;
}

async function collect<M>(engine: Engine<M>, request: GenerateRequest): Promise<Collected> {
  const pieces = engine.generate(request, never);
  let text = '';
  let tokens = 0;
  const ids: number[] = [];
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return { text, tokens, ids, finish: next.value };
    expect(next.value.text).not.toBe('');
    expect(next.value.tokens).toBeGreaterThan(0);
    text += next.value.text;
    tokens += next.value.tokens;
    ids.push(...(next.value.tokenIds ?? []));
  }
}

async function drain(pieces: AsyncGenerator<unknown, Finish, undefined>): Promise<Finish> {
  for (;;) {
    const next = await pieces.next();
    if (next.done === true) return next.value;
  }
}
