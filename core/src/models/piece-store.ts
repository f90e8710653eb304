/**
 * The port to where models lie on this device, piece by piece. Adapters: files (Node), the origin private file system in a
 * worker (browsers), memory for tests. The acceptance suite is `suites/piece-store.ts`.
 */
import type { ContentId } from '../base/ids.ts';
import type { Manifest } from './manifest.ts';
import type { PieceSet } from './piece-set.ts';

export type { ContentId } from '../base/ids.ts';

export interface StoredSummary {
  content: ContentId;
  format: Manifest['format'];
  /** The SHA-256 of its only file, in hex; null: it has several. */
  sha256: string | null;
  sizeBytes: number;
  loadedBytes: number;
  whole: boolean;
  /** When it was last read, in milliseconds since 1970: what was read least recently leaves first. */
  usedAt: number;
}

export interface PieceStore {
  /** All that is here, whole or begun. */
  list(): Promise<StoredSummary[]>;
  /** Null: nothing of it is here. Any number may be open at once, beside the one that `begin` gave; all see the same. */
  open(content: ContentId): Promise<StoredContent | null>;
  /**
   * Opens it, or begins it: asks for the room first, and writes nothing outside the store whatever the manifest says.
   * Rejects with storage_full, or busy while another tab or process writes it.
   */
  begin(content: ContentId, manifest: Manifest): Promise<StoredContent>;
  /** Idempotent. Rejects with busy while it is open. */
  remove(content: ContentId): Promise<void>;
}

/** Numbers of pieces run over all files in the order of the manifest. */
export interface StoredContent {
  readonly content: ContentId;
  readonly manifest: Manifest;
  /** The pieces that are here, and right. Changes as pieces are written. */
  readonly pieces: PieceSet;
  /** The hashes of a file's pieces, 32 bytes each, that its root covers; null: not here yet. */
  layer(file: number): Promise<Uint8Array | null>;
  /** False: the root of this file does not cover these hashes, and they were not kept. */
  keepLayer(file: number, layer: Uint8Array): Promise<boolean>;
  /** The bytes of a piece that is here, for the caller to keep. Rejects with model_integrity when the disk lost them. */
  read(piece: number): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * Checks the bytes and keeps them. They are the store's until this settles, and it may move them to another thread for good;
   * afterwards the caller may use their memory again. False: they are not this piece's. As long as the layer of its file is not
   * here, a piece is on trial: kept, and not in `pieces`. When the last of its file comes, or the layer, all of them are
   * checked, and those that are right are in `pieces`; false then: they were not the file that the root covers, and none of
   * them is kept. Those on trial need not outlive a restart.
   */
  write(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** The lists of chunks of all files (`packLists`), not to be changed; null: it is not whole, or nobody has cut it. */
  chunks(): Promise<Uint8Array | null>;
  /**
   * Cuts the files of a whole model into chunks and keeps the lists, off the thread of the caller; once, however often it is
   * called. `gently`: rests as long as it worked. Rejects with model_integrity when it is not whole or not what it was any
   * more, storage_full, busy while another program does it, and cancelled when it is closed meanwhile.
   */
  cut(gently: boolean): Promise<void>;
  /** Makes the disk keep what was written, and remembers which pieces they are. */
  flush(): Promise<void>;
  /** All pieces are here: from now on it is whole. Rejects with model_integrity when a file has another SHA-256. */
  complete(): Promise<void>;
  /** Idempotent; flushes. */
  close(): Promise<void>;
}
