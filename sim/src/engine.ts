/** An engine that writes what anyone can check: the words of an answer follow from its question, one word a token. */
import { onAbort } from '@llmesh/core/base/abort';
import type { Engine, Finish, GenerateRequest, Piece } from '@llmesh/core/engine/engine';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { SeededRandom } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** How many tokens a piece has: fewer events, the same answer. */
const PIECE_TOKENS = 8;
/** How much faster a prompt is read than an answer is written. */
export const PREFILL_FACTOR = 20;
/** The owner opens a large program, the tab is put off: how long that holds an answer up, on average. */
const HICCUP_MS = 4_000;

/** The provider's hardware, which the simulation changes while it runs. */
export interface Hardware {
  readonly slots: number;
  tokensPerSecond: number;
  /** The share of the answers that are held up at their beginning. */
  readonly hiccups: number;
  /** When set, it goes silent, and does not notice. */
  stalled: boolean;
}

/** The work of all engines together, and whether one had to do more than it can. */
export interface Work {
  promptTokens: number;
  tokens: number;
  readonly faults: string[];
}

/** One question: its number, the length of its prompt, and that of its answer. */
export interface Ask {
  readonly id: number;
  readonly promptTokens: number;
  readonly tokens: number;
}

export function questionText({ id, promptTokens, tokens }: Ask): string {
  return `${id} ${promptTokens} ${tokens}`;
}

export function answerText(id: number, fromToken: number, toToken: number): string {
  let text = '';
  for (let index = fromToken; index < toToken; index++) text += ` ${id}.${index}`;
  return text;
}

export interface SimEngineOptions {
  clock: VirtualClock;
  random: SeededRandom;
  hardware: Hardware;
  work: Work;
}

export class SimEngine implements Pick<Engine<never>, 'generate'> {
  readonly #options: SimEngineOptions;
  #running = 0;

  constructor(options: SimEngineOptions) {
    this.#options = options;
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const { hardware, work, random } = this.#options;
    this.#running += 1;
    if (this.#running > hardware.slots) work.faults.push(`${this.#running} answers at once in ${hardware.slots} slots`);
    try {
      const [id = 0, promptTokens = 0, length = 0] = (request.turns.at(-1)?.content ?? '').split(' ').map(Number);
      const from = request.prefix?.tokens ?? 0;
      if (request.prefix !== undefined && request.prefix.text !== answerText(id, 0, from)) {
        throw new MeshError('engine_failed', 'That is not the beginning of this answer.');
      }
      const tokens = Math.min(length - from, request.maxTokens);
      if (random.chance(hardware.hiccups)) await this.#wait(random.exponential(HICCUP_MS), signal);
      work.promptTokens += promptTokens + from;
      await this.#compute((promptTokens + from) / PREFILL_FACTOR, signal);
      for (let index = 0; index < tokens; index += PIECE_TOKENS) {
        const count = Math.min(PIECE_TOKENS, tokens - index);
        await this.#compute(count, signal);
        work.tokens += count;
        const at = from + index;
        const tokenIds = Array.from({ length: count }, (_, i) => at + i);
        yield { text: answerText(id, at, at + count), tokens: count, tokenIds };
      }
      const finish = length - from > request.maxTokens ? 'length' : 'stop';
      return { finish, promptTokens, completionTokens: tokens };
    } finally {
      this.#running -= 1;
    }
  }

  /** Waits for the time that so many tokens take. */
  #compute(tokens: number, signal: AbortSignal): Promise<void> {
    return this.#wait((tokens * 1000) / this.#options.hardware.tokensPerSecond, signal);
  }

  /** Waits for ever when it stalls. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, hardware } = this.#options;
    await new Promise<void>((resolve) => {
      const stopTimer = clock.after(ms, () => {
        if (hardware.stalled) return;
        stopAbort();
        resolve();
      });
      const stopAbort = onAbort(signal, () => {
        stopTimer();
        resolve();
      });
    });
    if (signal.aborted) throw cancelled();
  }
}
