/** A question, and what its requester hears about the answer. */
import type { ContentId, ModelId, PeerId } from '../base/ids.ts';
import type { Bill } from './bill.ts';
import type { Turn, Sampling, Thinking, TokenLogprob, Tools } from '../protocol.ts';
import type { KeptAnswer } from './delivered-answer.ts';
import type { EngineName } from '../proof/engine-name.ts';
import type { Verdict } from '../proof/verdict.ts';
import type { QueuePosition } from '../wire/control-protocol.ts';
import type { Candidate } from '../wire/candidate.ts';
import type { MeshError } from '../base/errors.ts';
import type { Path } from '../transport/transport.ts';

export interface AskRequest {
  model: ModelId;
  turns: Turn[];
  /** `completion`: the text of the one turn is continued as it stands. Left out: `chat`. */
  task?: 'chat' | 'completion';
  sampling: Sampling;
  /** How likely each token was, and this many of the likeliest others, 0 to 20. Left out: not reported. */
  logprobs?: number;
  /** The adapter that the model answers with, by the SHA-256 of its file. Left out: it answers as it is. */
  adapter?: string;
  /**
   * The content id under which this device has that adapter, and gives it to whoever takes it and is asked: directly, and to
   * nobody else. Left out: providers have it, or fetch it.
   */
  brings?: ContentId;
  /** Hears how much of it is on its way to a provider. Left out: nobody asks. */
  onGiving?: (giving: { provider: PeerId; sentBytes: number }) => void;
  /** The SHA-256 of the model's own file; null: a file without a stated hash. Left out: the one that its id means. */
  sha256?: string | null | undefined;
  /** The answer is JSON by this JSON schema, given as text (`json-schema.ts`), unless it is cut at `maxTokens`. */
  schema?: string;
  /** Functions that it may call. Left out: none. */
  tools?: Tools;
  /** Left out: as the model is made. */
  thinking?: Thinking;
  /**
   * It ends before the first of these in what it says, thoughts aside; its provider is told to stop. At most `MAX_STOPS`,
   * each of 1 to `MAX_STOP_CHARACTERS` characters. Left out: none.
   */
  stop?: readonly string[];
  /** The tokens to be written now, without those of `prefix`. */
  maxTokens: number;
  /** Only these providers may run it; null: any. */
  only: readonly PeerId[] | null;
  /** Providers that must not run it, at most 32. Left out: any may. */
  exclude?: readonly PeerId[];
  /** The last provider in this conversation, which may still have it in memory. */
  prefer?: PeerId | null;
  /** Providers that begin it side by side; the first to write continues. Left out: one. */
  copies?: number;
  /** Ask another beside one that is late or falls silent. Left out: yes. */
  hedge?: boolean;
  /** The answer was begun before: it continues after exactly this. */
  prefix?: KeptAnswer | null;
  /**
   * Others with the same file may check what anyone answered, and read it for that. What only some providers may run is never
   * shown to others, unless it is `named`: a test question to a provider whose answers are in doubt, which strangers are
   * not sent to. Left out: yes.
   */
  checks?: boolean | 'named';
  /**
   * Only who proves by this vendor or system what it runs, and only where that can be verified here; null: by any. Left out:
   * nobody has to.
   */
  attestedBy?: string | null;
  /** Micro-credits for 1,000 units: the most that was shown to whoever asks. Left out: what the mesh shows now. */
  maxPrice?: number | undefined;
  /** Hears what it cost, once, however it ended: also when it was stopped. Left out: nobody asks. */
  onBill?: (bill: Bill) => void;
  /** Hears what they find, also minutes after the answer. Left out: nobody asks. */
  onChecked?: (news: CheckNews) => void;
  /**
   * Gets what shows what was asked and answered (`proof/evidence.ts`), once for each provider that has signed for its part.
   * Left out: nobody keeps it longer than auditors may ask for it.
   */
  onSigned?: (evidence: Uint8Array<ArrayBuffer>) => void;
}

/** What came of a check of one provider's part of an answer. `asked`: auditors are at it. */
export type CheckNews = { verdict: 'asked' } | CheckedPart;

export interface CheckedPart {
  /** `unknown`: nobody could say, or they contradict each other. */
  verdict: Verdict;
  provider: PeerId;
  /** Those who answered. */
  checks: AuditorFinding[];
  /** How many auditors have not answered yet. */
  pending: number;
  /** Evidence and reports in one file, which anyone can count again: `proof/bundle.ts`. */
  bundle: Uint8Array<ArrayBuffer>;
}

export interface AuditorFinding {
  auditor: PeerId;
  verdict: Verdict;
  /** How much likelier this is with a cheat than with an honest provider, as a power of ten. */
  log10E: number;
  /** One sentence for people. */
  why: string;
  /** The tokens that were compared; null: it could not check them. */
  tokens: number | null;
  engines: { provider: EngineName; auditor: EngineName };
}

export type AnswerEvent =
  /** All suitable providers are busy; sent again when our position in the queue changes. Another event ends it. */
  | ({ type: 'queued' } & QueuePosition)
  /** This provider was asked. Sent again when it failed, or was late, before its first word and another is asked. */
  | { type: 'provider'; candidate: Candidate }
  /** A provider took the task, or its rest; `ahead` others come first. 0: it is being answered. */
  | { type: 'accepted'; ahead: number }
  /** `tokenIds`: in the vocabulary of the file of the last named provider; null where it cannot tell. */
  | {
      type: 'piece';
      text: string;
      tokens: number;
      tokenIds: readonly number[] | null;
      /** How likely each token was, where the request asks for it. */
      logprobs?: readonly TokenLogprob[];
      /** The tokens of the turns, as soon as a provider reports them. */
      promptTokens?: number;
      /** How `text` is to be read, with the first piece of a provider: `AnswerPieceSchema`. Left out: all of it is said. */
      syntax?: string;
    }
  /** Its provider is gone; we look for another to continue it. */
  | { type: 'interrupted'; error: MeshError }
  /** Another provider continues after the last piece. */
  | { type: 'resumed'; candidate: Candidate; seam: Seam }
  | { type: 'done'; summary: AnswerSummary };

/** The point where one provider's words end and another's begin. */
export interface Seam {
  provider: PeerId;
  /** The tokens before it. */
  atToken: number;
  /** The time from the last word before it to the first after it. */
  pauseMs: number;
  /** The very same model file: greedy decoding continued as if nothing had happened. */
  sameFile: boolean;
}

/** The facts about a finished answer. */
export interface AnswerSummary {
  /** The provider that finished it. */
  provider: PeerId;
  finish: 'stop' | 'length';
  /** The stop sequence before which it ended. Left out: none came. */
  stoppedAt?: string;
  promptTokens: number;
  completionTokens: number;
  path: Path | null;
  /** The receipt for its last part. signed: by both. refused: the provider's half was untrue. none: it sent none, or was stopped first. */
  receipt: 'signed' | 'refused' | 'none';
  seams: readonly Seam[];
  /** What it cost, of which an earlier part of it is none. */
  bill: Bill;
  /** The time from the question to the first text. */
  firstTokenMs: number;
  /** The speed after the first piece; null for an answer too short to tell. */
  tokensPerSecond: number | null;
}
