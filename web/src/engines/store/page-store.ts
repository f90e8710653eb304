/** The store of models as the page has it: its worker does the work, and is begun when it is first needed. */
import { MeshError } from '@llmesh/core/base/errors';
import { HASH_BYTES, type Manifest } from '@llmesh/core/models/manifest';
import { PieceMap } from '@llmesh/core/models/piece-map';
import { PieceSet } from '@llmesh/core/models/piece-set';
import type { ContentId, PieceStore, StoredContent, StoredSummary } from '@llmesh/core/models/piece-store';
import { transfer, type Remote } from 'comlink';
import type { Outcome } from '../outcome.ts';
import type { OpenedContent, StoreHostApi } from './store-wire.ts';

/** Makes a call to the store, wherever it is. */
export type StoreCall = <T>(run: (remote: Remote<StoreHostApi>) => Promise<Outcome<T>>) => Promise<T>;

export class PageStore implements PieceStore {
  readonly #call: StoreCall;
  /** All handles of a content see the same pieces. */
  readonly #open = new Map<ContentId, { pieces: PieceSet; handles: number }>();

  constructor(call: StoreCall) {
    this.#call = call;
  }

  list(): Promise<StoredSummary[]> {
    return this.#call((remote) => remote.list());
  }

  async open(content: ContentId): Promise<StoredContent | null> {
    const opened = await this.#call((remote) => remote.open(content));
    return opened === null ? null : this.#opened(content, opened);
  }

  async begin(content: ContentId, manifest: Manifest): Promise<StoredContent> {
    return this.#opened(content, await this.#call((remote) => remote.begin(content, manifest)));
  }

  remove(content: ContentId): Promise<void> {
    return this.#call((remote) => remote.remove(content));
  }

  #opened(content: ContentId, opened: OpenedContent): StoredContent {
    const shared = this.#open.get(content) ?? { pieces: new PieceSet(new PieceMap(opened.manifest).count), handles: 0 };
    assign(shared.pieces, opened.pieces);
    shared.handles++;
    this.#open.set(content, shared);
    return new PageContent(content, opened, shared.pieces, this.#call, () => {
      shared.handles--;
      if (shared.handles === 0 && this.#open.get(content) === shared) this.#open.delete(content);
    });
  }
}

class PageContent implements StoredContent {
  readonly content: ContentId;
  readonly manifest: Manifest;
  readonly pieces: PieceSet;
  readonly #handle: number;
  readonly #map: PieceMap;
  readonly #call: StoreCall;
  readonly #closed: () => void;
  #closing: Promise<void> | null = null;
  #chunks: Uint8Array | null = null;

  constructor(
    content: ContentId,
    { handle, manifest }: OpenedContent,
    pieces: PieceSet,
    call: StoreCall,
    closed: () => void,
  ) {
    this.content = content;
    this.manifest = manifest;
    this.pieces = pieces;
    this.#handle = handle;
    this.#map = new PieceMap(manifest);
    this.#call = call;
    this.#closed = closed;
  }

  layer(file: number): Promise<Uint8Array | null> {
    return this.#call((remote) => remote.layer(this.#handle, file));
  }

  async keepLayer(file: number, layer: Uint8Array): Promise<boolean> {
    if (layer.byteLength !== this.#map.layerBytes(file) || layer.byteLength < HASH_BYTES) return false;
    const { right, pieces } = await this.#call((remote) => remote.keepLayer(this.#handle, file, layer));
    assign(this.pieces, pieces);
    return right;
  }

  async read(piece: number): Promise<Uint8Array<ArrayBuffer>> {
    this.#map.place(piece);
    return await this.#looked(() => this.#call((remote) => remote.read(this.#handle, piece)));
  }

  async write(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const { sizeBytes } = this.#map.place(piece);
    if (bytes.byteLength !== sizeBytes) return false;
    // Bytes in the middle of a larger buffer would take that along.
    const own = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
    const { right, pieces } = await this.#call((remote) =>
      remote.write(this.#handle, piece, transfer(own, [own.buffer])),
    );
    assign(this.pieces, pieces);
    return right;
  }

  /** Asked for by others, part after part. */
  async chunks(): Promise<Uint8Array | null> {
    return (this.#chunks ??= await this.#call((remote) => remote.chunks(this.#handle)));
  }

  cut(gently: boolean): Promise<void> {
    return this.#call((remote) => remote.cut(this.#handle, gently));
  }

  flush(): Promise<void> {
    return this.#call((remote) => remote.flush(this.#handle));
  }

  async complete(): Promise<void> {
    await this.#looked(() => this.#call((remote) => remote.complete(this.#handle)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#call((remote) => remote.close(this.#handle)).finally(this.#closed);
    return this.#closing;
  }

  /** What turns out to be lost is not here any more. */
  async #looked<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (error instanceof MeshError && error.code === 'model_integrity') {
        assign(this.pieces, await this.#call((remote) => remote.pieces(this.#handle)));
      }
      throw error;
    }
  }
}

function assign(pieces: PieceSet, bits: Uint8Array): void {
  const now = PieceSet.read(pieces.size, bits);
  for (let piece = 0; piece < pieces.size; piece++) {
    if (now?.has(piece)) pieces.add(piece);
    else pieces.delete(piece);
  }
}
