/** What guesses ahead of a model: a smaller model, or the conversation itself; and whether that can help the model. */
import { GgufInsights, type GgufFileInfo, type Llama, type SequenceEvaluateOptions, type Token } from 'node-llama-cpp';
import { realClock } from '@llmesh/core/base/clock';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { DraftModel } from './draft-model.ts';
import { canBeDrafted, draftedAnswer } from './drafted-answer.ts';
import type { Layout } from '../context/fit.ts';
import { checkGgufFile } from '../../models/gguf-file.ts';
import { readGgufInfo } from '../../models/gguf-info.ts';
import { isEmbedder } from '../context/gguf-pooling.ts';
import { GuessPace } from './guess-pace.ts';
import { loadError } from '../context/load-error.ts';
import { draftLayout } from '../context/model-plan.ts';
import { PromptLookup } from './prompt-lookup.ts';
import type { Reading, AnswerSequence } from '../context/answer-sequence.ts';

/** `lookup`: the conversation itself. */
export type DraftChoice = 'lookup' | { path: string };

/** A draft before it is loaded. */
export interface DraftPlan {
  /** The file whose memory is counted; null: it takes none. */
  info: GgufFileInfo | null;
  /** Opens it beside a model that is loaded like this. */
  open: (layout: Layout, threads: number, signal: AbortSignal) => Promise<Draft>;
}

/**
 * llama.cpp's own programs let two vocabularies differ by this many tokens at their end: models of a family are padded to
 * different lengths. https://github.com/ggml-org/llama.cpp/blob/master/common/speculative.cpp
 */
const MAX_MORE_TOKENS = 128;

/**
 * Guesses are made only while at most this many answers are written. `npm run bench -- draft` on a processor, with guesses
 * that were always right, or right three times of four: one answer came 1.7 and 1.3 times as fast, two 2.3 and 1.2 times;
 * four, when allowed, 2.2 and 1.0 times. Four fill a step on their own, and each wrong guess makes three others wait.
 */
const MOST_HELPED_ANSWERS = 2;

/** An answer that will be written. */
export interface HelpedAnswer {
  sequence: AnswerSequence;
  reading: Reading;
  options: SequenceEvaluateOptions;
  /** See `DraftedAnswer`. */
  seed: (ahead: number) => number;
  maxTokens: number;
  check: () => void;
  /** How many answers are being written. */
  answers: () => number;
}

export class Draft {
  /** The paces for one answer at a time, for two, and so on: a step costs more with each. */
  readonly #paces = Array.from({ length: MOST_HELPED_ANSWERS }, () => new GuessPace());
  readonly #model: DraftModel | null;

  constructor(model: DraftModel | null) {
    this.#model = model;
  }

  /** All guesses so far, and those of them that the model would have written itself. */
  get count(): { guessed: number; taken: number } {
    const counts = this.#paces.map(({ count }) => count);
    return {
      guessed: counts.reduce((sum, { guessed }) => sum + guessed, 0),
      taken: counts.reduce((sum, { taken }) => sum + taken, 0),
    };
  }

  /**
   * The tokens of the answer; null: it is written without guesses, as one must be that has to come out the same each time:
   * several tokens computed at once differ in the last bits, which could tip a near-tie. `rest`: the end of the reading,
   * which the sequence does not hold yet.
   */
  write(answer: HelpedAnswer, rest: readonly Token[]): AsyncGenerator<{ token: Token }, void, undefined> | null {
    const { sequence, reading, answers, ...more } = answer;
    if (reading.exact || !canBeDrafted(more.options)) return null;
    return draftedAnswer(
      {
        ...more,
        sequence,
        clock: realClock,
        guesser: this.#model?.at(sequence.index, reading.requester) ?? new PromptLookup(),
        pace: () => this.#paces[answers() - 1] ?? null,
      },
      reading.tokens,
      rest,
    );
  }

  async close(): Promise<void> {
    await this.#model?.close();
  }
}

/** Throws unsupported when it cannot help this model, and what `Engine.load` throws at an unreadable file. */
export async function planDraft(
  choice: DraftChoice,
  model: GgufFileInfo,
  llama: Llama,
  signal: AbortSignal,
): Promise<DraftPlan> {
  if (isEmbedder(model)) {
    throw new MeshError(
      'unsupported',
      'The model given with --model writes no words that could be guessed. Leave --draft out.',
    );
  }
  await checkTakesBack(model, llama, '--model');
  if (choice === 'lookup') return { info: null, open: async () => new Draft(null) };
  const { path } = choice;
  const failed = (thrown: unknown) => {
    throw signal.aborted ? cancelled() : loadError(thrown, path);
  };
  await checkGgufFile(path);
  const info = await readGgufInfo(path, signal).catch(failed);
  checkSameVocabulary(model, info);
  const insights = await checkTakesBack(info, llama, '--draft');
  const vocabulary = tokensOf(model).length;
  return {
    info,
    open: (layout, threads, loadSignal) =>
      DraftModel.open(llama, {
        path,
        ...draftLayout(insights, layout),
        threads,
        vocabulary,
        signal: loadSignal,
      }).then((opened) => new Draft(opened), failed),
  };
}

function checkSameVocabulary(model: GgufFileInfo, draft: GgufFileInfo): void {
  const [own, other] = [tokensOf(model), tokensOf(draft)];
  const most = Math.min(own.length, other.length);
  const alike =
    Math.abs(own.length - other.length) <= MAX_MORE_TOKENS &&
    own.slice(0, most).every((token, i) => token === other[i]);
  if (alike) return;
  throw new MeshError(
    'unsupported',
    'The model given with --draft has another vocabulary, so its guesses would mean nothing. Choose a smaller model of the same family, or --draft lookup.',
  );
}

/** A wrong guess has to be taken back. Throws unsupported. */
async function checkTakesBack(info: GgufFileInfo, llama: Llama, flag: '--model' | '--draft'): Promise<GgufInsights> {
  const insights = await GgufInsights.from(info, llama);
  const { isRecurrent, isHybrid, swaSize } = insights;
  if (!isRecurrent && !isHybrid && swaSize === undefined) return insights;
  const instead = flag === '--model' ? 'Leave --draft out.' : 'Choose another for --draft.';
  throw new MeshError(
    'unsupported',
    `The model given with ${flag} does not keep every word that it has read, so a wrong guess could not be taken back. ${instead}`,
  );
}

function tokensOf({ metadata }: GgufFileInfo): readonly string[] {
  return metadata.tokenizer.ggml.tokens;
}
