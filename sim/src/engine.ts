/** An engine that writes what anyone can check: the words of an answer follow from its question, one word a token. */
import { onAbort } from '@llmesh/core/abort';
import type { Engine, Finish, GenerateRequest, Piece } from '@llmesh/core/engine';
import { cancelled, MeshError } from '@llmesh/core/errors';
import type { VirtualClock } from './virtual-clock.ts';

/** Tokens in a piece: fewer events, the same answer. */
const PIECE_TOKENS = 8;
/** A prompt is read so much faster than an answer is written. */
const PREFILL_FACTOR = 20;
const PROMPT_TOKENS = 100;

/** What the provider's hardware does; changed by the simulation while it runs. */
export interface Hardware {
  tokensPerSecond: number;
  /** Set: it goes silent, and does not notice. */
  stalled: boolean;
}

/** The question `id` with an answer of `tokens`. */
export function questionText(id: number, tokens: number): string {
  return `${id} ${tokens}`;
}

export function answerText(id: number, fromToken: number, toToken: number): string {
  let text = '';
  for (let index = fromToken; index < toToken; index++) text += ` ${id}.${index}`;
  return text;
}

export class SimEngine implements Pick<Engine<never>, 'generate'> {
  readonly #clock: VirtualClock;
  readonly #hardware: Hardware;

  constructor(clock: VirtualClock, hardware: Hardware) {
    this.#clock = clock;
    this.#hardware = hardware;
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const [id = 0, length = 0] = (request.turns.at(-1)?.content ?? '').split(' ').map(Number);
    const from = request.prefix?.tokens ?? 0;
    if (request.prefix !== undefined && request.prefix.text !== answerText(id, 0, from)) {
      throw new MeshError('engine_failed', 'That is not the beginning of this answer.');
    }
    const tokens = Math.min(length - from, request.maxTokens);
    await this.#compute((PROMPT_TOKENS + from) / PREFILL_FACTOR, signal);
    for (let index = 0; index < tokens; index += PIECE_TOKENS) {
      const count = Math.min(PIECE_TOKENS, tokens - index);
      await this.#compute(count, signal);
      const at = from + index;
      const tokenIds = Array.from({ length: count }, (_, i) => at + i);
      yield { text: answerText(id, at, at + count), tokens: count, tokenIds };
    }
    const finish = length - from > request.maxTokens ? 'length' : 'stop';
    return { finish, promptTokens: PROMPT_TOKENS, completionTokens: tokens };
  }

  /** The time that so many tokens take; for ever when it stalls. */
  async #compute(tokens: number, signal: AbortSignal): Promise<void> {
    const hardware = this.#hardware;
    await new Promise<void>((resolve) => {
      const stopTimer = this.#clock.after((tokens * 1000) / hardware.tokensPerSecond, () => {
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
