/** The part of the engine suite for answers that another engine, or an earlier run, began. */
import { describe, expect, it } from 'vitest';
import type { Engine, GenerateRequest, LoadedModel } from '../engine/engine.ts';
import { prefixAt, runOf, textOf, tokensOf, wrongCuts, type Cut, type Run } from './continuation.ts';

export interface ContinuationSuiteOptions {
  /** Returns the engine, once it is loaded. */
  subject(): { engine: Pick<Engine<never>, 'generate'>; loaded: LoadedModel };
  questions: readonly { question: string; answer: string }[];
}

const never = new AbortController().signal;
const REPLACEMENT = '\ufffd';

export function continuationSuite({ subject, questions }: ContinuationSuiteOptions): void {
  const long = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
  const go = (request: GenerateRequest, signal = never): Promise<Run> => runOf(subject().engine, request, signal);
  const wholeAnswers = new Map<string, Promise<Run>>();
  const whole = (question: string) => {
    const known = wholeAnswers.get(question) ?? go(greedy(question));
    wholeAnswers.set(question, known);
    return known;
  };
  const wrong = async (question: string, stride: number, cut: Cut) => {
    const answer = await whole(question);
    const cuts = Array.from({ length: answer.pieces.length + 1 }, (_, i) => i).filter((i) => i % stride === 0);
    return wrongCuts({ request: greedy(question), whole: answer, cuts, go, atOnce: subject().loaded.slots, ...cut });
  };

  describe('continues an answer', () => {
    it('offers cuts at whole characters only, and can continue from the first to the last', async () => {
      const { pieces } = await whole(long.question);
      for (const { text } of pieces) expect(text).not.toContain(REPLACEMENT);
      const { loaded } = subject();
      expect(loaded.continues).not.toBe('none');
      if (loaded.continues === 'ids') expect(pieces.every(({ tokenIds }) => tokenIds !== undefined)).toBe(true);
    });

    it('writes the undisturbed answer from every fourth cut of a long one', async () => {
      expect(await wrong(long.question, 4, { ids: true })).toEqual([]);
    }, 60_000);

    it.each([
      ['from its text alone', { ids: false }],
      ['from its ids, read like a prompt', { ids: true, replay: false }],
      ['from its ids, written again', { ids: true, replay: true }],
    ] as [string, Cut][])('writes the undisturbed answer %s', async (_, cut) => {
      expect(await wrong(long.question, 16, cut)).toEqual([]);
      for (const { question } of questions.slice(0, 3)) expect(await wrong(question, 7, cut)).toEqual([]);
    });

    it('says that it is over when the answer was whole already', async () => {
      const answer = await whole(long.question);
      for (const ids of [true, false]) {
        const prefix = prefixAt(answer, answer.pieces.length, { ids });
        expect(await go({ ...greedy(long.question), prefix })).toEqual({
          pieces: [],
          finish: { ...answer.finish, completionTokens: 0 },
        });
      }
    });

    it('counts what it writes itself, up to its own maxTokens', async () => {
      const answer = await whole(long.question);
      const prefix = prefixAt(answer, 10, { ids: true });
      const { pieces, finish } = await go({ ...greedy(long.question), prefix, maxTokens: 5 });
      expect(textOf(pieces)).toBe(textOf(answer.pieces.slice(10, 15)));
      expect(tokensOf(pieces)).toBe(5);
      expect(finish).toEqual({ ...answer.finish, finish: 'length', completionTokens: 5 });
    });

    it('continues the sampled answer of a seed: in the same words where each token is drawn for its place', async () => {
      const request = { ...greedy(long.question), sampling: { temperature: 1.5, topP: 1, seed: 7 }, maxTokens: 24 };
      const first = await go(request);
      const prefix = prefixAt(first, 8, { ids: true });
      const rest = await go({ ...request, prefix });
      expect(rest.finish.completionTokens).toBe(tokensOf(rest.pieces));
      expect(await go({ ...request, prefix })).toEqual(rest);
      const same = textOf(rest.pieces).startsWith(textOf(first.pieces.slice(8)));
      if (subject().loaded.replayable === 'seed') expect(same).toBe(true);
    });

    it('trusts the text where the ids say something else', async () => {
      const answer = await whole(long.question);
      const { text, tokens, tokenIds } = prefixAt(answer, 12, { ids: true });
      const others = [[...(tokenIds ?? [1, 2])].reverse(), [0xffff_ffff, -1, 1.5], (tokenIds ?? []).slice(1), []];
      for (const ids of others) {
        const { pieces } = await go({ ...greedy(long.question), prefix: { text, tokens, tokenIds: ids } });
        expect(text + textOf(pieces)).toBe(long.answer);
      }
    });

    it('refuses an answer that is longer than its context', async () => {
      const text = 'many words '.repeat(20_000);
      const prefix = { text, tokens: 40_000, tokenIds: null };
      await expect(go({ ...greedy(long.question), prefix })).rejects.toMatchObject({ code: 'prompt_too_long' });
    });

    it.each([true, false])(
      'a cancel bites while the delivered part is computed (replay %s), and it works on',
      async (replay) => {
        const answer = await whole(long.question);
        const prefix = prefixAt(answer, answer.pieces.length - 2, { ids: true, replay });
        const abort = new AbortController();
        const stopped = go({ ...greedy(long.question), prefix }, abort.signal);
        abort.abort();
        await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
        const { pieces } = await go({ ...greedy(long.question), prefix });
        expect(textOf(pieces)).toBe(textOf(answer.pieces.slice(-2)));
      },
    );

    it('stops when it is cancelled between two of its own pieces', async () => {
      const answer = await whole(long.question);
      const abort = new AbortController();
      const request = { ...greedy(long.question), prefix: prefixAt(answer, 9, { ids: true }) };
      const generation = subject().engine.generate(request, abort.signal);
      const first = await generation.next();
      expect(first.value).toMatchObject({ ...answer.pieces[9] });
      abort.abort();
      const drained = async () => {
        while ((await generation.next()).done !== true);
      };
      await expect(drained()).rejects.toMatchObject({ code: 'cancelled' });
    });
  });
}

function greedy(question: string): GenerateRequest {
  return { turns: [{ role: 'user', content: question }], sampling: { temperature: 0 }, maxTokens: 1024 };
}
