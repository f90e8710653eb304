/** The part of the engine suite for the shapes that a conversation may have, and for how its tokens are counted. */
import { describe, expect, it } from 'vitest';
import type { Engine, GenerateRequest } from '../engine/engine.ts';
import type { PeerId } from '../base/ids.ts';
import type { Turn } from '../protocol.ts';
import { runOf, textOf, tokensOf, type Run } from './continuation.ts';

export interface TurnsSuiteOptions {
  /** Returns the engine, once it is loaded. */
  subject(): { engine: Pick<Engine<never>, 'generate'> };
  questions: readonly { question: string; answer: string }[];
  /** Whether an answer may begin with words that the conversation ends in. */
  prefills: boolean;
}

const never = new AbortController().signal;

export function turnsSuite({ subject, questions, prefills }: TurnsSuiteOptions): void {
  const [first, second] = questions;
  if (first === undefined || second === undefined) throw new Error('needs two questions');
  const go = (turns: Turn[], more: Partial<GenerateRequest> = {}): Promise<Run> =>
    runOf(subject().engine, { turns, sampling: { temperature: 0 }, maxTokens: 256, ...more }, never);
  const user = (content: string): Turn => ({ role: 'user', content });
  const assistant = (content: string): Turn => ({ role: 'assistant', content });
  const followUp = [user(first.question), assistant(first.answer), user(second.question)];

  describe('a conversation', () => {
    it.runIf(prefills)('that ends in the beginning of an answer is answered with the rest of it', async () => {
      const cut = first.answer.indexOf(' ', first.answer.length / 2);
      const { pieces, finish } = await go([user(first.question), assistant(first.answer.slice(0, cut))]);
      expect(textOf(pieces)).toBe(first.answer.slice(cut));
      const { finish: whole } = await go([user(first.question)]);
      expect(finish.promptTokens).toBeGreaterThan(whole.promptTokens);
      expect(finish.promptTokens + finish.completionTokens).toBe(whole.promptTokens + whole.completionTokens);
    });

    it('with calls and results, instructions in between, or two turns of one speaker is read whole', async () => {
      const calls = [{ id: 'c1', name: 'time', arguments: '{"zone":"UTC"}' }];
      const called: Turn = { role: 'assistant', content: '', calls };
      const result: Turn = { role: 'tool', content: 'noon', call: { id: 'c1', name: 'time' } };
      const talks: Turn[][] = [
        [user('The time?'), called, result],
        [user('The time?'), called, result, user(first.question)],
        [
          { role: 'system', content: 'Be brief.' },
          user('Hello'),
          assistant('Hi'),
          { role: 'system', content: 'Be long.' },
        ],
        [{ role: 'system', content: 'Say something.' }],
        [user('Hello.'), user(first.question)],
      ];
      for (const turns of talks) {
        const { finish } = await go(turns, { maxTokens: 8 });
        const { finish: without } = await go(turns.slice(-1), { maxTokens: 8 });
        expect(finish.completionTokens).toBeGreaterThan(0);
        if (turns.length > 1) expect(finish.promptTokens).toBeGreaterThan(without.promptTokens);
      }
    });
  });

  describe('tokens', () => {
    it('of a conversation are all of it, whatever the engine remembers, and whoever asks', async () => {
      const mine = 'mine' as PeerId;
      const cold = await go(followUp, { requester: 'theirs' as PeerId });
      await go([user(first.question)], { requester: mine });
      const warm = await go(followUp, { requester: mine });
      const again = await go(followUp, { requester: mine });
      const other = await go(followUp, { requester: 'theirs' as PeerId });
      for (const { finish, pieces } of [warm, again, other]) {
        expect(finish).toEqual(cold.finish);
        expect(pieces[0]?.promptTokens ?? finish.promptTokens).toBe(cold.finish.promptTokens);
      }
    });

    it('of an answer are as many as were asked for, and as are in its pieces', async () => {
      const whole = await go([user(first.question)]);
      for (const maxTokens of [1, 2, 3, 5]) {
        const { pieces, finish } = await go([user(first.question)], { maxTokens });
        expect(finish).toEqual({ ...whole.finish, finish: 'length', completionTokens: maxTokens });
        expect(tokensOf(pieces)).toBe(maxTokens);
      }
    });
  });
}
