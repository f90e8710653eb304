/** What the benchmark asks of its peers, each a process of its own, and what they answer. */
import type { FetchCommand, OneFileModel, RawCommand } from '@llmesh/e2e/model-tab/commands';
import type { Deceit } from '@llmesh/e2e/model-tab/liar';

export interface BenchModel extends OneFileModel {
  /** Its only file. */
  path: string;
  sizeBytes: number;
}

export type Command =
  | { do: 'join'; mesh: string; folder: string }
  /** Takes the file in and lends it. */
  | { do: 'lend'; model: BenchModel }
  | FetchCommand
  | { do: 'lie'; mesh: string; model: BenchModel; deceit: Deceit }
  | RawCommand
  /** Answers questions with so many words a second. */
  | { do: 'provide'; wordsPerSecond: number }
  | { do: 'ask' };

export type Answer = { id: number; result: unknown } | { id: number; error: string };

/** How a fetch goes on, in bytes that are here and right. */
export type Report = { started: number } | { loadedBytes: number };
