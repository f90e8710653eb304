/** The messages between the page and its store worker. The bytes of pieces are handed over, and never copied. */
import type { Manifest } from '@llmesh/core/models/manifest';
import type { ContentId, StoredSummary } from '@llmesh/core/models/piece-store';
import type { Outcome } from '../outcome.ts';
import type { NewAdapter } from './keep-adapter.ts';
import type { NewModel } from './keep-model.ts';

export interface OpenedContent {
  /** For the calls about it. */
  handle: number;
  manifest: Manifest;
  /** As `PieceSet.bytes` gives them. */
  pieces: Uint8Array<ArrayBuffer>;
}

export interface Written {
  right: boolean;
  /** Those that are here now, as `PieceSet.bytes` gives them: others than this one may have been on trial with it. */
  pieces: Uint8Array<ArrayBuffer>;
}

/** See `PieceStore` and `StoredContent`. */
export interface StoreHostApi {
  list(): Promise<Outcome<StoredSummary[]>>;
  open(content: ContentId): Promise<Outcome<OpenedContent | null>>;
  begin(content: ContentId, manifest: Manifest): Promise<Outcome<OpenedContent>>;
  remove(content: ContentId): Promise<Outcome<void>>;
  pieces(handle: number): Promise<Outcome<Uint8Array<ArrayBuffer>>>;
  layer(handle: number, file: number): Promise<Outcome<Uint8Array | null>>;
  keepLayer(handle: number, file: number, layer: Uint8Array): Promise<Outcome<Written>>;
  read(handle: number, piece: number): Promise<Outcome<Uint8Array<ArrayBuffer>>>;
  write(handle: number, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<Outcome<Written>>;
  chunks(handle: number): Promise<Outcome<Uint8Array | null>>;
  cut(handle: number, gently: boolean): Promise<Outcome<void>>;
  flush(handle: number): Promise<Outcome<void>>;
  complete(handle: number): Promise<Outcome<void>>;
  close(handle: number): Promise<Outcome<void>>;
  /** See `keepAdapter`. */
  keepAdapter(file: Blob, name: string, onProgress: (share: number) => void): Promise<Outcome<NewAdapter>>;
  /** See `keepModel`. */
  keepModel(file: Blob, name: string, onProgress: (share: number) => void): Promise<Outcome<NewModel>>;
}
