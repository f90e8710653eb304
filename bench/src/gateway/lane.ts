/** One way to ask one model: the gateway benchmark sends the same questions down each of them. */
import type { Turn } from '@llmesh/core/protocol';

/** One answer, as its requester saw it. Times are those of `performance.now()`. */
export interface Stream {
  tokens: number;
  firstMs: number;
  endMs: number;
}

export interface Lane {
  name: string;
  /** The id of the process that computes; null: it is not ours. */
  pid: number | null;
  /** Asks greedily, to the end or `maxTokens`. May be called as often at once as the bench was opened for. */
  ask(turns: Turn[], maxTokens: number): Promise<Stream>;
  close(): Promise<void>;
}
