/** What the benchmark asks of its peers, each a process of its own, and what they answer. */
import type { Manifest } from '@llmesh/core/models/manifest';
import type { ContentId } from '@llmesh/core/models/piece-store';

export interface BenchModel {
  content: ContentId;
  manifest: Manifest;
  layers: Uint8Array<ArrayBuffer>[];
  /** Its only file. */
  path: string;
  sizeBytes: number;
}

export type Deceit = 'wrong pieces' | 'silence' | 'what it lacks';

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

export interface FetchCommand {
  do: 'fetch';
  model: BenchModel;
  source: string | null;
  lend: boolean;
}

/** One end of a data channel with nothing above it. */
export type RawCommand =
  | { do: 'raw offer' }
  | { do: 'raw answer'; sdp: string }
  | { do: 'raw answered'; sdp: string }
  | { do: 'raw send'; bytes: number }
  | { do: 'raw receive'; bytes: number }
  | { do: 'raw close' };

/** What a peer in a browser does. */
export type TabCommand = { do: 'join'; mesh: string; storeWorker: string } | FetchCommand | RawCommand;

export interface Fetched {
  ms: number;
  /** From the first piece to the last: connecting and the last look at the whole file are not transfer. */
  bytesPerSecond: number;
  fromPeers: number;
  fromWeb: number;
  wrong: number;
  /** The SHA-256 of what is in the store in the end, in hex. */
  sha256: string;
}

export type Answer = { id: number; result: unknown } | { id: number; error: string };

/** How a fetch goes on, in bytes that are here and right. */
export type Report = { started: number } | { loadedBytes: number };
