/** What a peer with models is asked to do, in a tab or in a process of its own, and what it answers. */
import type { Manifest } from '@llmesh/core/models/manifest';
import type { ContentId } from '@llmesh/core/models/piece-store';

/** A model of one file. */
export interface OneFileModel {
  content: ContentId;
  manifest: Manifest;
  layers: Uint8Array<ArrayBuffer>[];
}

export interface FetchCommand {
  do: 'fetch';
  model: OneFileModel;
  /** The address of a server that has it, too; null: only peers have it. */
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

export type TabCommand =
  /** `storeWorker`: the code of the page's own. */
  | { do: 'join'; mesh: string; storeWorker: string }
  | FetchCommand
  /** How many bytes it has given to peers. */
  | { do: 'given' }
  | RawCommand;

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
