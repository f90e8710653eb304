/** An answer while it comes: turns each event of the mesh into what is shown and kept. */
import type { Clock } from '@llmesh/core/base/clock';
import { DeliveredAnswer } from '@llmesh/core/ask/delivered-answer';
import type { MeshError } from '@llmesh/core/base/errors';
import { peerName } from '@llmesh/core/identity/names';
import { keptOf, writerOf, type Answer, type KeptIds, type ShownSeam } from './turn.ts';
import type { AnswerEvent } from '@llmesh/core/ask/answer';

/** Measured over less time than this, a speed is noise. */
const SPEED_AFTER_MS = 250;

export class AnswerProgress {
  readonly #answer: Answer;
  readonly #clock: Clock;
  readonly #delivered: DeliveredAnswer;
  /** The seam of this continuation; null: the answer begins now. */
  readonly #seam: ShownSeam | null;
  /** The model file that writes. */
  #file: { sha256: string | null };
  #firstAt: number | null = null;
  #tokens = 0;

  /** Continues what there is of `answer`. `sha256`: the file of this device, where this device writes. */
  constructor(answer: Answer, clock: Clock, sha256: string | null) {
    this.#answer = answer;
    this.#clock = clock;
    this.#file = { sha256 };
    const begun = keptOf(answer);
    this.#delivered = new DeliveredAnswer(begun);
    this.#seam =
      begun === null
        ? null
        : {
            provider: null,
            native: false,
            atToken: begun.tokens,
            pauseMs: 0,
            continued: true,
            sameFile: this.#delivered.isFile(this.#file),
          };
  }

  /** Has anything come? */
  get begun(): boolean {
    return this.#firstAt !== null;
  }

  /** The token ids of all the text there is. */
  get ids(): KeptIds | null {
    const { tokenIds, sha256 } = this.#delivered.kept;
    return tokenIds === null || sha256 === null ? null : { tokenIds: [...tokenIds], sha256 };
  }

  take(event: AnswerEvent): void {
    const answer = this.#answer;
    switch (event.type) {
      case 'queued':
        answer.state = 'queued';
        answer.ahead = event.position;
        answer.estimateMs = event.estimateMs;
        return;
      case 'provider': {
        const { peerId: provider, agent, model } = event.candidate;
        const writer = { provider, native: agent === 'native' };
        this.#file = model;
        answer.state = 'looking';
        if (this.#seam === null) Object.assign(answer, writer);
        else this.#showSeam({ ...this.#seam, ...writer, sameFile: this.#delivered.isFile(model) });
        return;
      }
      case 'accepted':
        answer.state = event.ahead > 0 ? 'queued' : 'reading';
        answer.ahead = event.ahead;
        answer.estimateMs = null;
        return;
      case 'piece':
        this.#write(event);
        return;
      case 'interrupted':
        answer.state = 'looking';
        answer.left = true;
        return;
      case 'resumed': {
        const { candidate, seam } = event;
        this.#file = candidate.model;
        answer.seams = [...answer.seams, { ...seam, native: candidate.agent === 'native', continued: false }];
        return;
      }
      case 'done': {
        const cut = event.summary.finish === 'length';
        answer.state = 'done';
        // A continuation starts from what came: a last token may have had no text.
        answer.tokens = cut ? this.#delivered.tokens : event.summary.completionTokens;
        answer.ids = cut ? this.ids : null;
        answer.receipt = {
          path: event.summary.path,
          firstTokenMs: event.summary.firstTokenMs,
          tokensPerSecond: event.summary.tokensPerSecond,
          completionTokens: event.summary.completionTokens,
          cut,
          signed: event.summary.receipt,
        };
        return;
      }
      default:
        event satisfies never;
    }
  }

  #write({ text, tokens, tokenIds }: Extract<AnswerEvent, { type: 'piece' }>): void {
    const answer = this.#answer;
    const nowMs = this.#clock.now();
    // This device has no candidate event, so the seam is shown with its first words.
    if (this.#seam !== null && !this.begun && this.#seam.atToken !== answer.seams.at(-1)?.atToken)
      this.#showSeam(this.#seam);
    this.#firstAt ??= nowMs;
    const piece = { text, ...(tokenIds !== null && { tokenIds: [...tokenIds] }) };
    this.#delivered.add({ piece, units: tokens }, this.#file);
    this.#tokens += tokens;
    answer.state = 'writing';
    answer.left = false;
    answer.text += text;
    answer.tokens += tokens;
    const writingMs = nowMs - this.#firstAt;
    if (writingMs > SPEED_AFTER_MS) answer.tokensPerSecond = (this.#tokens * 1000) / writingMs;
  }

  /** Replaces a seam whose writer did not get to write a word. */
  #showSeam(seam: ShownSeam): void {
    this.#answer.seams = [...this.#answer.seams.filter(({ atToken }) => atToken !== seam.atToken), seam];
  }
}

/** What the page says about a failed answer, and what to do next. */
export function failureOf(answer: Answer, error: MeshError): string {
  if (error.code !== 'provider_lost' && error.code !== 'provider_stopped') return error.message;
  const left = error.code === 'provider_lost' ? 'left' : 'stopped donating';
  return answer.text === ''
    ? `${writerName(answer)} ${left} before the first word. Try again?`
    : `${writerName(answer)} ${left}. What you have is kept.`;
}

/** The writer's name, as far as it is known. */
export function writerName(answer: Answer): string {
  if (answer.scope === 'device') return 'This device';
  const writer = writerOf(answer);
  return writer === null ? 'The volunteer' : peerName(writer);
}
