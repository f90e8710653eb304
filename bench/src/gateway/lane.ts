/** One way to ask one model: the gateway benchmark sends the same questions down each of them. */
import type { Turn } from '@llmesh/core/protocol';

/** One answer, as whoever asked saw it. Times since the clock's start: `performance.now()`. */
export interface Stream {
  tokens: number;
  firstMs: number;
  endMs: number;
}

export interface Lane {
  name: string;
  /** Of the process that computes; null: it is not ours. */
  pid: number | null;
  /** Greedy, to the end or `maxTokens`. As many at once as the bench was opened for. */
  ask(turns: Turn[], maxTokens: number): Promise<Stream>;
  close(): Promise<void>;
}
