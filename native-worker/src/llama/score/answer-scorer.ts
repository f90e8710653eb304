/** Reads answers that others wrote, as fast as a prompt is read, and tells what this model would have written instead. */
import { randomInt } from 'node:crypto';
import type {
  ControlledEvaluateIndexOutput,
  ControlledEvaluateInputItem,
  LlamaModel,
  SequenceEvaluateOptions,
  Token,
  TokenBias,
} from 'node-llama-cpp';
import { untilAborted } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import type { RecommendedSampling } from '@llmesh/core/engine/recommended-sampling';
import type { ScoreMode, Scores } from '@llmesh/core/proof/score';
import { SeedRow } from '@llmesh/core/proof/seeds';
import type { Asked } from '../answer/asked.ts';
import { limitsThoughts } from '../answer/open-course.ts';
import { TokenText } from '../answer/token-text.ts';
import type { AnswerSequence, Reading } from '../context/answer-sequence.ts';
import { indexAsPriority } from '../context/batching.ts';
import { DutyCycle } from '../context/duty-cycle.ts';
import type { HeldSequence } from '../context/model-context.ts';
import { evaluateOptions, isPenalized, tokenBiasOf } from '../sampling/evaluate-options.ts';
import { ScoreSheet, type Drawing } from './score-sheet.ts';

type GenerateNext = NonNullable<Extract<ControlledEvaluateInputItem, readonly unknown[]>[1]['generateNext']>;
type Found = ControlledEvaluateIndexOutput['next'];

/** As many tokens at once are computed just as each would be alone: from 64 on, llama.cpp computes attention in another way. */
const SCORED_AT_ONCE = 32;
/** The share of the time that is taken from answers under way. */
const GENTLE_SHARE = 0.05;
/**
 * With more candidates than this, all of them are looked at only where another token was drawn. After so many of those, only
 * one place in eight is looked at, and nobody can know which: all candidates take as long as 60 ms, and an honest answer that is
 * drawn from all words misses one token in five by a hair.
 */
const FEW_CANDIDATES = 256;
const ALL_MISSES_LOOKED_AT = 64;
const THEN_ONE_IN = 8;

export interface ScoredAnswer {
  model: LlamaModel;
  defaults: RecommendedSampling;
  request: GenerateRequest;
  asked: Asked;
  tokenIds: readonly number[];
  /** A sequence with these tokens; an answer that waits for it has the better right to it. */
  hold: (reading: Reading) => Promise<HeldSequence>;
  /** Whether answers are being written. */
  isBusy: () => boolean;
  /** Throws when nobody waits any more. */
  check: () => void;
  signal: AbortSignal;
  /** Called when a step failed: `forget` empties the sequence. Throws cancelled where the engine was closed. */
  recover: (forget: () => Promise<void>, failure: unknown) => Promise<void>;
}

/** An answer needs the sequence. */
class Displaced extends Error {}

export class AnswerScorer {
  readonly #gentle = new DutyCycle(GENTLE_SHARE, realClock);
  /** One answer is checked at a time. */
  #last: Promise<void> = Promise.resolve();

  /** Throws unsupported for what cannot be computed again from the tokens alone, or what `hold` and `check` throw. */
  async score(answer: ScoredAnswer): Promise<Scores> {
    const work = new Scoring(answer);
    const before = this.#last;
    let end = () => {};
    const own = new Promise<void>((resolve) => (end = resolve));
    this.#last = before.then(() => own);
    try {
      await untilAborted(before, answer.signal);
      return await this.#run(work, answer);
    } finally {
      end();
    }
  }

  async #run(work: Scoring, { hold, check, isBusy, recover, signal }: ScoredAnswer): Promise<Scores> {
    while (work.reading !== null) {
      const { sequence, end, isWanted } = await hold(work.reading);
      const yields = () => {
        check();
        if (isWanted()) throw new Displaced();
      };
      sequence.pace = (run) => (isBusy() ? this.#gentle.step(run, signal) : run());
      try {
        yields();
        await work.on(sequence, yields);
      } catch (thrown) {
        if (thrown instanceof Displaced) continue;
        if (thrown instanceof MeshError) throw thrown;
        await recover(() => sequence.forget(), thrown);
        throw new MeshError('engine_failed', 'llama.cpp failed at this answer.', { cause: thrown });
      } finally {
        end();
      }
    }
    return work.scores;
  }
}

/** The work on one answer, which may go on at another sequence. */
class Scoring {
  readonly #answer: ScoredAnswer;
  readonly #mode: ScoreMode;
  readonly #sheet: ScoreSheet;
  readonly #seeds: SeedRow;
  /** The tokens up to the first that this model does not have. */
  readonly #ids: readonly Token[];
  /** All candidates are few enough to be looked at each time. */
  readonly #isNarrow: boolean;
  readonly #bias: TokenBias | null;
  readonly #drawing: Drawing;
  readonly #lookedAt = randomInt(THEN_ONE_IN);
  #done = 0;

  constructor(answer: ScoredAnswer) {
    const { model, defaults, request, asked, tokenIds } = answer;
    const { sampling, draws } = request;
    if (asked.plan.schema !== null || asked.plan.own !== null || limitsThoughts(asked.syntax, request.thinking)) {
      const message =
        'This volunteer cannot check an answer that was held to a form, to functions or to a length of thoughts.';
      throw new MeshError('unsupported', message);
    }
    this.#answer = answer;
    const greedy = (sampling.temperature ?? defaults.temperature) === 0;
    this.#mode = greedy ? 'greedy' : draws === undefined ? 'likelihood' : 'seed';
    const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
    const topK = sampling.topK ?? defaults.topK;
    this.#isNarrow = size <= FEW_CANDIDATES || (topK > 0 && topK <= FEW_CANDIDATES);
    if (this.#mode === 'likelihood' && !this.#isNarrow) {
      throw new MeshError('unsupported', 'This volunteer cannot check an answer that was drawn from too many words.');
    }
    this.#bias = tokenBiasOf(model, sampling);
    const { temperature = defaults.temperature, topP = defaults.topP, minP = 0 } = sampling;
    this.#drawing = {
      cuts: { temperature, topK, topP, minP },
      isPlain: this.#bias === null && !isPenalized(sampling),
    };
    this.#sheet = new ScoreSheet(this.#mode, tokenIds.length);
    this.#seeds = new SeedRow(draws ?? new Uint8Array());
    const foreign = tokenIds.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= size);
    this.#ids = tokenIds.slice(0, foreign === -1 ? undefined : foreign) as Token[];
  }

  /** What is to be read before the next token; null: all is done. */
  get reading(): Reading | null {
    if (this.#done === this.#ids.length) return null;
    const { asked, request } = this.#answer;
    const tokens = [...asked.before, ...this.#ids.slice(0, this.#done)];
    return { tokens, requester: request.requester ?? null, open: asked.open, exact: true };
  }

  get scores(): Scores {
    const { model, asked } = this.#answer;
    const text = new TokenText(model, asked.before, new Set(asked.marks.values()));
    const pieces = [...this.#ids.map((token) => text.push(token)), text.end()];
    return this.#sheet.scores(asked.prompt.length, pieces.map((piece) => piece?.text ?? '').join(''));
  }

  /** Goes on to the end, or until `check` throws. */
  async on(sequence: AnswerSequence, check: () => void): Promise<void> {
    const { reading } = this;
    if (reading === null) return;
    let next = await sequence.prefill(reading, check);
    // Of what came before, only the last token tells something about the answer.
    let telling = 1;
    while (this.#done < this.#ids.length) {
      check();
      await this.#read(sequence, next, telling);
      this.#done += telling;
      const from = this.#done - 1;
      next = this.#ids.slice(from, Math.min(from + SCORED_AT_ONCE, this.#ids.length - 1));
      telling = next.length;
    }
  }

  /** Computes `tokens`; the last `telling` of them tell about the next tokens of the answer. */
  async #read(sequence: AnswerSequence, tokens: readonly Token[], telling: number): Promise<void> {
    const silent = tokens.length - telling;
    const items = tokens.map((token, i): ControlledEvaluateInputItem => {
      return i < silent ? token : [token, { generateNext: this.#wish(this.#done + i - silent) }];
    });
    const evaluationPriority = indexAsPriority(sequence.index);
    const results = await sequence.step(() => sequence.llama.controlledEvaluate(items, { evaluationPriority }));
    for (let i = 0; i < telling; i += 1) this.#note(this.#done + i, results[silent + i]?.next ?? {});
  }

  /** What llama.cpp has to tell about this token of the answer. */
  #wish(at: number): GenerateNext {
    const tokens = this.#ids.slice(at, at + 1);
    const options = { ...this.#options(at), seed: this.#seed(at) };
    if (this.#mode === 'greedy') {
      return { token: true, logits: { filter: { tokens, includeSelected: true } }, totalLogitWeight: true, options };
    }
    if (this.#mode === 'likelihood') {
      const uncut = { ...options, topP: 1, minP: 0 };
      return { token: true, probabilities: true, logits: { filter: { tokens } }, options: uncut };
    }
    if (this.#isNarrow) return { token: true, probabilities: true, logits: { filter: { tokens } }, options };
    const isLookedAt = this.#sheet.misses < ALL_MISSES_LOOKED_AT || at % THEN_ONE_IN === this.#lookedAt;
    return { token: true, ...(isLookedAt && { logits: { filter: { tokens } } }), options };
  }

  #note(at: number, found: Found): void {
    const token = this.#ids[at]!;
    // The engine that wrote it would have ended there.
    if (this.#answer.model.isEogToken(token)) this.#sheet.impossible(at);
    else if (this.#mode === 'greedy') this.#sheet.greedy(at, token, found);
    else if (this.#mode === 'likelihood') this.#sheet.likely(at, token, found, this.#drawing);
    else this.#sheet.drawn(at, token, found, this.#seed(at), this.#drawing);
  }

  #options(at: number): Omit<SequenceEvaluateOptions, 'grammarEvaluationState'> {
    const { request, defaults, asked } = this.#answer;
    const { sampling } = request;
    const answered = isPenalized(sampling) ? [...asked.delivered.tokens, ...this.#ids.slice(0, at)] : [];
    const most = asked.delivered.tokens.length + this.#ids.length;
    return evaluateOptions(sampling, defaults, this.#bias, 0, answered, most);
  }

  #seed(at: number): number {
    return this.#mode === 'seed' ? this.#seeds.at(this.#answer.asked.first + at) : 0;
  }
}
