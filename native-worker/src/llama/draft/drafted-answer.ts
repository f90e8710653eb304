/**
 * Writes an answer with guesses: the model computes several of them in one step and samples after each as it would have
 * without. The first guess that it would not have written, and all behind it, are thrown away.
 *
 * The library's own token predictors are not used: 3.22.1 never takes more than one guess a step.
 */
import type { ControlledEvaluateInputItem, LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { Clock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { GuessPace } from './guess-pace.ts';
import type { Guesser } from './guesser.ts';
import { CHUNK, type AnswerSequence } from '../context/answer-sequence.ts';

export interface DraftedAnswer {
  sequence: Pick<AnswerSequence, 'llama' | 'takeBack'>;
  guesser: Guesser;
  options: SequenceEvaluateOptions;
  /** The seed of the token that comes so many behind the next. The words are the same with and without guesses. */
  seed: (ahead: number) => number;
  maxTokens: number;
  /** The current pace, which differs with others at work; null: no guesses are made now. */
  pace: () => Pick<GuessPace, 'length' | 'record'> | null;
  /** Throws when nobody waits any more. */
  check: () => void;
  clock: Pick<Clock, 'now'>;
}

/** What a grammar or a penalty allows depends on the tokens before: guesses would have to be tried on copies of both. */
export function canBeDrafted(options: SequenceEvaluateOptions): boolean {
  const { grammarEvaluationState, repeatPenalty, dryRepeatPenalty, tokenBias } = options;
  return [grammarEvaluationState, repeatPenalty, dryRepeatPenalty, tokenBias].every((one) => one === undefined);
}

/**
 * `before`: the whole prompt; `rest`: its end, which llama.cpp does not hold yet. Ends on its own at a token that ends the
 * answer, like the library's `evaluate`. Left in the middle, the sequence holds what it says it holds.
 */
export async function* draftedAnswer(
  answer: DraftedAnswer,
  before: readonly Token[],
  rest: readonly Token[],
): AsyncGenerator<{ token: Token }, void, undefined> {
  const { sequence, guesser, options, seed, check, clock } = answer;
  const { llama } = sequence;
  const all = [...before];
  let next = rest;
  /** Writes without guesses; null: the last step had guesses. */
  let plain: AsyncGenerator<{ token: Token }> | null = null;
  /** How many tokens were written since the last guess. */
  let behind = Infinity;
  try {
    for (let left = answer.maxTokens; left > 0;) {
      const startMs = clock.now();
      // The end of a prompt is computed as without guesses.
      const pace = next.length === 1 ? answer.pace() : null;
      const most = Math.min(pace?.length ?? 0, left - 1, llama.contextSize - 2 - llama.nextTokenIndex);
      const guesses = most > 0 ? await guesser.guess(all, most, check) : [];
      check();
      let written: Token[];
      let usual = true;
      if (guesses.length > 0) {
        await plain?.return(undefined);
        plain = null;
        written = await verify(llama, next, guesses, options, seed);
        const wrong = guesses.length + 1 - written.length;
        if (wrong > 0) await sequence.takeBack(wrong);
        // A guesser that was not asked for a while first reads what was written since; some guess fewer than they may.
        usual = behind <= CHUNK && guesses.length === most;
        behind = 0;
      } else {
        // After a step with guesses nothing of its model is in the processor's caches.
        usual = plain !== null && most <= 0;
        plain ??= llama.evaluateWithMetadata([...next], {}, options);
        const step = await plain.next();
        if (step.done === true) return;
        written = [step.value.token];
      }
      if (pace === answer.pace())
        pace?.record(guesses.length, written.length - 1, usual ? clock.now() - startMs : null);
      behind += written.length;
      left -= written.length;
      for (const token of written) {
        if (llama.model.isEogToken(token)) return;
        all.push(token);
        yield { token };
      }
      next = written.slice(-1);
    }
  } finally {
    await plain?.return(undefined);
  }
}

/** Computes the last token and the guesses behind it; returns the right ones, and the token behind them. */
async function verify(
  llama: LlamaContextSequence,
  last: readonly Token[],
  guesses: readonly Token[],
  options: SequenceEvaluateOptions,
  seed: (ahead: number) => number,
): Promise<Token[]> {
  const { evaluationPriority, grammarEvaluationState: _, ...sampling } = options;
  const items = [...last, ...guesses].map((token, ahead): ControlledEvaluateInputItem => {
    return [token, { generateNext: { token: true, options: { ...sampling, seed: seed(ahead) } } }];
  });
  const results = await llama.controlledEvaluate(items, {
    ...(evaluationPriority !== undefined && { evaluationPriority }),
  });
  const written: Token[] = [];
  for (const result of results) {
    const token = result?.next.token;
    if (token === undefined || token === null) {
      throw new MeshError('engine_failed', 'llama.cpp chose no token. Try again.');
    }
    written.push(token);
    if (token !== guesses[written.length - 1]) break;
  }
  return written;
}
