/** What a provider tells its owner of its work: what it does now, and each answer that ended. */
import type { ModelId, PeerId } from '../base/ids.ts';

export interface Serving {
  peer: PeerId;
  model: ModelId;
  tokens: number;
  tokensPerSecond: number;
}

/** What the provider does now, and has done since it began. */
export interface WorkerStatus {
  slots: number;
  busySlots: number;
  queued: number;
  /** The number of finished answers. */
  answers: number;
  /** The number of answers of others that were checked. */
  audits: number;
  /** Answers of others are being checked now. */
  auditing: boolean;
  tokens: number;
  /** The current speed of all running answers together. */
  tokensPerSecond: number;
  /** The speed of one answer, over the last ones; null until something was measured. */
  typicalTokensPerSecond: number | null;
  serving: Serving[];
}

export interface AnswerGiven {
  peer: PeerId;
  model: ModelId;
  tokens: number;
  /** From its start on this computer, without the time in the queue. */
  ms: number;
  /** stopped: its requester left or wanted no more of it, or lending ended */
  ended: 'whole' | 'stopped' | 'failed';
}
