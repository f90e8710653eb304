/** What the parts of model distribution need of each other and of their host. */
import type { PeerId } from '../base/ids.ts';
import type { Manifest } from './manifest.ts';
import type { ContentId } from './piece-store.ts';

/** What is looked for: a model by its content id, or one file by its SHA-256 where nobody pinned a content id. */
export interface Wanted {
  content: ContentId | null;
  /** In hex. */
  sha256: string | null;
}

/** A peer that says that it has some of a model. A mere claim. */
export interface Holder {
  peerId: PeerId;
  content: ContentId;
  whole: boolean;
  /** For links of peers that stay anonymous; null: they cannot call it. */
  certificate: string | null;
}

/** Who has what, at the control plane. */
export interface HolderIndex {
  /** From now on we say that we have these. Replaces what we said before; kept over reconnections. */
  hold(
    held: readonly { content: ContentId; sha256: string | null; whole: boolean }[],
    certificate: string | null,
  ): void;
  /** Some that have it, in no order. Rejects with control_unreachable or cancelled. */
  holders(wanted: Wanted, signal: AbortSignal): Promise<Holder[]>;
}

/** A server that has the files: the hub, a mirror, or the mesh itself. */
export interface WebSource {
  /**
   * `path`: that of the file in the manifest. These bytes of it, `from` inclusive, `to` exclusive. Rejects as downloads do: `model_download_failed` may go away,
   * `unsupported` means that the server answers no parts of files.
   */
  read(file: number, from: number, to: number, signal: AbortSignal, path: string): Promise<Uint8Array<ArrayBuffer>>;
  /** The bytes of the manifest; null: it has none. Checked like a stranger's. */
  manifest?(signal: AbortSignal): Promise<Uint8Array | null>;
  /** The hashes of a file's pieces; null: it has none. Checked like a stranger's. */
  layer?(file: number, signal: AbortSignal, path: string): Promise<Uint8Array | null>;
  /** The lists of the chunks of all files (`packLists`); null: it has none. A hint like a stranger's. */
  chunks?(signal: AbortSignal): Promise<Uint8Array | null>;
}

export interface FetchRequest extends Wanted {
  /** Known beforehand, or fetched from whoever has it; null: from peers. */
  manifest: Manifest | null;
  /** Null: only peers have it. */
  web: WebSource | null;
  /** Where only the SHA-256 of the file is known: its size, so that another is noticed at once. Null: unknown. */
  sizeBytes: number | null;
  /** Where only the SHA-256 of the file is known: what its manifest has to say that it is. Left out: anything. */
  format?: Manifest['format'];
  /** The most that may be stored, all files together. Left out: whatever there is room for. */
  mostBytes?: number;
  /** Others may have its pieces from us, as soon as we have them, as long as the owner's limits allow. */
  lend: boolean;
}

/** The owner's limits. Read before every piece that is sent. */
export interface SeedLimits {
  /** False: nothing is sent: not lending, a metered connection, or the owner said no. */
  seeding: boolean;
  /** Null: no limit. */
  bytesPerSecond: number | null;
  bytesPerDay: number | null;
}

/** Where bytes come from and go to, for people. Rates in bytes per second, over the last seconds. */
export interface FetchProgress {
  content: ContentId;
  loadedBytes: number;
  sizeBytes: number;
  /** Bytes of this model that came since the fetch began. */
  fromPeers: number;
  fromWeb: number;
  /** Bytes of it that other models of this device had, and that need not come. */
  fromLocal: number;
  /** The peers that have some of it and are connected. */
  peers: number;
}

export interface SwarmFigures {
  fromPeers: number;
  fromWeb: number;
  toPeers: number;
  /** Bytes since the beginning. */
  totals: { fromPeers: number; fromWeb: number; toPeers: number; wrong: number };
  sentToday: number;
  fetching: { content: ContentId; peers: number; loadedBytes: number; sizeBytes: number }[];
  seeded: ContentId[];
}
