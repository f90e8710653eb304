/** A question, and what its requester hears of the answer. */
import type { ModelId, PeerId } from '../base/ids.ts';
import type { Turn, Sampling, TokenLogprob } from '../protocol.ts';
import type { KeptAnswer } from './delivered-answer.ts';
import type { QueuePosition } from '../wire/control-protocol.ts';
import type { Candidate } from '../wire/candidate.ts';
import type { MeshError } from '../base/errors.ts';
import type { Path } from '../transport/transport.ts';

export interface AskRequest {
  model: ModelId;
  turns: Turn[];
  /** `completion`: the text of the one turn is gone on with as it stands. Left out: `chat`. */
  task?: 'chat' | 'completion';
  sampling: Sampling;
  /** For each token how likely it was, and so many others, the likeliest, 0 to 20. Left out: nothing is told. */
  logprobs?: number;
  /** The adapter that the model answers with, by the SHA-256 of its file. Left out: it answers as it is. */
  adapter?: string;
  /** The model's own file, by its SHA-256; null: one that is not named. Left out: the one that its id means. */
  sha256?: string | null | undefined;
  /** The answer is JSON of this form, a JSON schema as text (`json-schema.ts`), unless it is cut at `maxTokens`. */
  schema?: string;
  /** To be written now: what `prefix` has does not count. */
  maxTokens: number;
  /** Who may run it: no one but these; null: anyone. */
  only: readonly PeerId[] | null;
  /** Who may not run it in any case, at most 32. Left out: anyone may. */
  exclude?: readonly PeerId[];
  /** Who answered last in this conversation and may have it in its memory still. */
  prefer?: PeerId | null;
  /** Providers that begin it side by side; the first to speak goes on. Left out: one. */
  copies?: number;
  /** Ask another beside one that is late or falls silent. Left out: yes. */
  hedge?: boolean;
  /** The answer was begun before: goes on after exactly this. */
  prefix?: KeptAnswer | null;
}

export type AnswerEvent =
  /** All who could answer are busy; told again when our place in the line changes. Another event ends it. */
  | ({ type: 'queued' } & QueuePosition)
  /** This provider was asked. Comes again when it failed, or was late, before its first word and another one is asked. */
  | { type: 'provider'; candidate: Candidate }
  /** A provider took the task, or its rest; `ahead` others come first. 0: it is being answered. */
  | { type: 'accepted'; ahead: number }
  /** `tokenIds`: in the vocabulary of the file of the provider that was named last; null where it cannot tell. */
  | {
      type: 'piece';
      text: string;
      tokens: number;
      tokenIds: readonly number[] | null;
      /** How likely each token was, where the request asks for it. */
      logprobs?: readonly TokenLogprob[];
      /** The tokens of the turns, as soon as a provider reports them. */
      promptTokens?: number;
    }
  /** Who wrote it is gone; somebody to go on with it is sought. */
  | { type: 'interrupted'; error: MeshError }
  /** Another provider goes on after the last piece. */
  | { type: 'resumed'; candidate: Candidate; seam: Seam }
  | { type: 'done'; summary: AnswerSummary };

/** Where one provider's words end and another's begin. */
export interface Seam {
  provider: PeerId;
  /** Tokens before it. */
  atToken: number;
  /** From the last word before it to the first after it. */
  pauseMs: number;
  /** The very same model file: greedy decoding went on as if nothing had happened. */
  sameFile: boolean;
}

/** What there is to know about a finished answer. */
export interface AnswerSummary {
  /** Who brought its end. */
  provider: PeerId;
  finish: 'stop' | 'length';
  promptTokens: number;
  completionTokens: number;
  path: Path | null;
  /** The receipt for its last part. signed: by both. refused: the provider's half was untrue. none: it sent none. */
  receipt: 'signed' | 'refused' | 'none';
  seams: readonly Seam[];
  /** From asking to the first text. */
  firstTokenMs: number;
  /** After the first piece; null for an answer too short to tell. */
  tokensPerSecond: number | null;
}
