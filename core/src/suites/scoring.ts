/** What every engine that checks answers must do: it finds nothing in its own, and finds what was changed in them. */
import { describe, expect, it } from 'vitest';
import type { Engine, GenerateRequest, LoadedModel } from '../engine/engine.ts';
import { readJsonSchema } from '../form/json-schema.ts';
import { deviationsOf } from '../proof/deviation.ts';
import { seededDraws } from '../proof/seeds.ts';
import type { Scores } from '../proof/score.ts';
import type { Sampling } from '../protocol.ts';
import { prefixAt, runOf, textOf, type Run } from './continuation.ts';

export interface ScoringSuiteOptions {
  /** Returns the engine, once it has loaded the tiny model. */
  subject(): { engine: Pick<Engine<never>, 'generate' | 'score'>; loaded: LoadedModel };
  questions: readonly { question: string; answer: string }[];
  /** The mean deviation that its own answers may have, 0 to 255: reading a text at once differs in the last bits. */
  noise: number;
  /** One of the adapters that it was told of. Left out: it has none. */
  adapter?: string;
}

const never = new AbortController().signal;
/** A deviation that no noise explains, 0 to 255. */
const CLEAR = 100;
const REPEATED: Sampling = { temperature: 0 };
const DRAWN: Sampling = { temperature: 2, topK: 40, topP: 1 };
const WIDE: Sampling = { temperature: 1.2, topK: 0, topP: 1 };

export function scoringSuite(name: string, { subject, questions, noise, adapter }: ScoringSuiteOptions): void {
  const [first, second] = questions;
  if (first === undefined || second === undefined) throw new Error('needs two questions');
  const long = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));

  const ask = (question: string, sampling: Sampling, more: Partial<GenerateRequest> = {}): GenerateRequest => ({
    turns: [{ role: 'user', content: question }],
    sampling,
    maxTokens: 96,
    ...(sampling.temperature !== 0 && { draws: seededDraws(question.length) }),
    ...more,
  });
  const write = (request: GenerateRequest): Promise<Run> => runOf(subject().engine, request, never);
  const score = async (request: GenerateRequest, ids: readonly number[], signal = never): Promise<Scores> => {
    const { engine } = subject();
    if (engine.score === undefined) throw new Error('it checks nothing');
    return engine.score(request, ids, signal);
  };
  /** 0 to 255 */
  const found = async (request: GenerateRequest, ids: readonly number[]) => {
    const deviations = deviationsOf(await score(request, ids), ids);
    return deviations.reduce((sum, one) => sum + one, 0) / deviations.length;
  };

  const worst = async (request: GenerateRequest, ids: readonly number[]) =>
    Math.max(...deviationsOf(await score(request, ids), ids));

  describe(`scoring suite: ${name}`, () => {
    it.each([
      ['repeats itself', REPEATED],
      ['is drawn', DRAWN],
      ['is drawn from many words', WIDE],
      ['is drawn without the unlikely ones', { temperature: 1.5, topP: 1, minP: 0.02 }],
      ['avoids what it has said', { temperature: 1, repeatPenalty: 1.2, presencePenalty: 0.5 }],
      ['repeats itself, and avoids some words', { temperature: 0, logitBias: [[300, -5]], repeatPenalty: 1.3 }],
    ] as [string, Sampling][])(
      'finds nothing in its own answer that %s',
      async (_, sampling) => {
        for (const { question } of [first, long]) {
          const request = ask(question, sampling);
          const { pieces, finish } = await write(request);
          const ids = idsOf({ pieces });
          const scores = await score(request, ids);
          expect(scores.mode).toBe(sampling.temperature === 0 ? 'greedy' : 'seed');
          expect(scores.promptTokens).toBe(finish.promptTokens);
          if (scores.text !== undefined) expect(scores.text).toBe(textOf(pieces));
          const deviations = deviationsOf(scores, ids);
          expect(deviations.length).toBe(ids.length);
          expect(deviations.reduce((sum, one) => sum + one, 0) / ids.length).toBeLessThanOrEqual(noise);
        }
      },
      60_000,
    );

    it.each([REPEATED, DRAWN])('finds nothing in an answer that was continued, with %o', async (sampling) => {
      const request = ask(long.question, sampling);
      const whole = await write(request);
      const prefix = prefixAt(whole, 11, { ids: true });
      const rest = await write({ ...request, prefix });
      expect(await found({ ...request, prefix }, idsOf(rest))).toBeLessThanOrEqual(noise);
      // Each token is drawn for its place in the whole answer, whoever wrote what came before.
      expect(await found(request, [...(prefix.tokenIds ?? []), ...idsOf(rest)])).toBeLessThanOrEqual(noise);
    });

    it.each([REPEATED, DRAWN, WIDE])(
      'finds a token that was changed, where it was changed, with %o',
      async (sampling) => {
        const request = ask(long.question, sampling);
        const ids = idsOf(await write(request));
        const at = ids.length >> 1;
        const changed = ids.with(at, ids[at] === 300 ? 301 : 300);
        const deviations = deviationsOf(await score(request, changed), changed);
        expect(deviations[at]).toBeGreaterThan(0);
        const before = deviations.subarray(0, at).reduce((sum, one) => sum + one, 0);
        expect(before / at).toBeLessThanOrEqual(noise);
      },
    );

    it('finds another question, other draws, and another heat', async () => {
      const drawn = ask(long.question, DRAWN);
      const [greedy, hot] = [ask(long.question, REPEATED), await write(drawn)];
      const written = idsOf(await write(greedy));
      expect(await worst(ask(first.question, REPEATED), written)).toBeGreaterThan(CLEAR);
      expect(await worst(ask(first.question, DRAWN), idsOf(hot))).toBeGreaterThan(CLEAR);
      expect(await worst({ ...drawn, draws: seededDraws(1) }, idsOf(hot))).toBeGreaterThan(CLEAR);
      expect(await worst({ ...drawn, sampling: { ...DRAWN, temperature: 0.2 } }, idsOf(hot))).toBeGreaterThan(CLEAR);
    });

    it.runIf(adapter !== undefined)('finds that an answer was written without its adapter', async () => {
      const request = ask(long.question, REPEATED, { adapter: adapter! });
      expect(await found(request, idsOf(await write(request)))).toBeLessThanOrEqual(noise);
      const plain = idsOf(await write(ask(long.question, REPEATED)));
      expect(await worst(request, plain)).toBeGreaterThan(CLEAR);
    });

    it('says how likely an answer is whose draws nobody knows', async () => {
      const { draws: _, ...unknown } = ask(long.question, DRAWN);
      const surprises: number[] = [];
      for (let run = 0; run < 6; run += 1) {
        const ids = idsOf(await write(unknown));
        const { mode, logprobs, entropies } = await score(unknown, ids);
        expect(mode).toBe('likelihood');
        surprises.push(...Array.from(logprobs, (logprob, i) => -logprob - (entropies?.[i] ?? NaN)));
      }
      const mean = surprises.reduce((sum, one) => sum + one, 0) / surprises.length;
      // A surprise has a deviation of about 1; this is six standard errors of that.
      expect(Math.abs(mean)).toBeLessThan(6 / Math.sqrt(surprises.length));
      const other = idsOf(await write(ask(first.question, REPEATED)));
      const { logprobs } = await score(unknown, other);
      expect(logprobs.some((logprob) => logprob < -4)).toBe(true);
    });

    it('takes ids that no model has, or that end an answer, for no answer of its own', async () => {
      const request = ask(first.question, REPEATED);
      const ids = idsOf(await write(request)).slice(0, 3);
      for (const wrong of [-1, 0x7fff_ffff, 1.5]) {
        const { margins, drawn } = await score(request, [...ids, wrong, ...ids]);
        expect([...margins.subarray(0, 3)]).toEqual([0, 0, 0]);
        expect([...margins.subarray(3)]).toEqual(Array.from({ length: 4 }, () => Infinity));
        expect([...drawn.subarray(3)]).not.toContain(wrong);
      }
    });

    it('has nothing to say about an empty answer', async () => {
      const { margins, drawn, logprobs, promptTokens } = await score(ask(first.question, REPEATED), []);
      expect([margins.length, drawn.length, logprobs.length]).toEqual([0, 0, 0]);
      expect(promptTokens).toBeGreaterThan(0);
    });

    it('refuses what it cannot judge', async () => {
      const request = ask(first.question, REPEATED);
      const ids = idsOf(await write(request));
      const schema = readJsonSchema('{"type":"string"}');
      const tools = { list: '[{"name":"time"}]', choice: 'auto', parallel: false } as const;
      await expect(score({ ...request, schema }, ids)).rejects.toMatchObject({ code: 'unsupported' });
      await expect(score({ ...request, tools }, ids)).rejects.toMatchObject({ code: 'unsupported' });
      const endless = Array.from({ length: subject().loaded.contextTokens }, () => 300);
      await expect(score(request, endless)).rejects.toMatchObject({ code: 'prompt_too_long' });
    });

    it('stops when it is cancelled, and works on', async () => {
      const request = ask(long.question, REPEATED);
      const ids = idsOf(await write(request));
      const abort = new AbortController();
      const stopped = [score(request, ids, abort.signal), score(request, ids, abort.signal)];
      const next = score(request, ids);
      abort.abort();
      for (const one of stopped) await expect(one).rejects.toMatchObject({ code: 'cancelled' });
      expect((await next).margins.length).toBe(ids.length);
      await expect(score(request, ids, abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('reads an answer beside others without changing a word of them, or finding anything else', async () => {
      const requests = questions.slice(0, subject().loaded.slots + 1).map(({ question }) => ask(question, REPEATED));
      const request = ask(long.question, DRAWN);
      const ids = idsOf(await write(request));
      const [alone, ...texts] = [await score(request, ids), ...(await Promise.all(requests.map(write)))];
      const beside = score(request, ids);
      const again = await Promise.all(requests.map(write));
      expect(again.map(({ pieces }) => textOf(pieces))).toEqual(texts.map(({ pieces }) => textOf(pieces)));
      expect(deviationsOf(await beside, ids)).toEqual(deviationsOf(alone, ids));
    }, 60_000);
  });
}

function idsOf({ pieces }: Pick<Run, 'pieces'>): number[] {
  return pieces.flatMap(({ tokenIds }) => tokenIds ?? []);
}
