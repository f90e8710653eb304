/** The store as its worker offers it to the page. */
import { MeshError } from '@llmesh/core/base/errors';
import { freeBuffer } from '@llmesh/core/transport/free-buffer';
import type { Manifest } from '@llmesh/core/models/manifest';
import type { ContentId, PieceStore, StoredContent, StoredSummary } from '@llmesh/core/models/piece-store';
import { transfer } from 'comlink';
import { isFull, storageFull } from '../common/room.ts';
import { settled, type Outcome } from '../outcome.ts';
import { keepAdapter, type NewAdapter } from './keep-adapter.ts';
import { keepModel, type NewModel } from './keep-model.ts';
import type { OpenedContent, StoreHostApi, Written } from './store-wire.ts';

export class StoreHost implements StoreHostApi {
  readonly #store: Promise<PieceStore>;
  readonly #handles = new Map<number, StoredContent>();
  #last = 0;

  constructor(store: Promise<PieceStore>) {
    this.#store = store;
  }

  list(): Promise<Outcome<StoredSummary[]>> {
    return outcome(async () => await (await this.#store).list());
  }

  open(content: ContentId): Promise<Outcome<OpenedContent | null>> {
    return outcome(async () => {
      const stored = await (await this.#store).open(content);
      return stored === null ? null : this.#opened(stored);
    });
  }

  begin(content: ContentId, manifest: Manifest): Promise<Outcome<OpenedContent>> {
    return outcome(async () => this.#opened(await (await this.#store).begin(content, manifest)));
  }

  remove(content: ContentId): Promise<Outcome<void>> {
    return outcome(async () => await (await this.#store).remove(content));
  }

  pieces(handle: number): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    return outcome(async () => this.#at(handle).pieces.bytes());
  }

  layer(handle: number, file: number): Promise<Outcome<Uint8Array | null>> {
    return outcome(() => this.#at(handle).layer(file));
  }

  keepLayer(handle: number, file: number, layer: Uint8Array): Promise<Outcome<Written>> {
    return outcome(async () => {
      const stored = this.#at(handle);
      const right = await stored.keepLayer(file, layer);
      return { right, pieces: stored.pieces.bytes() };
    });
  }

  async read(handle: number, piece: number): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    const read = await outcome(() => this.#at(handle).read(piece));
    return read.ok ? transfer(read, [read.value.buffer]) : read;
  }

  write(handle: number, piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<Outcome<Written>> {
    return outcome(async () => {
      const stored = this.#at(handle);
      const right = await stored.write(piece, bytes);
      // The page gave it away.
      freeBuffer(bytes.buffer);
      return { right, pieces: stored.pieces.bytes() };
    });
  }

  chunks(handle: number): Promise<Outcome<Uint8Array | null>> {
    return outcome(() => this.#at(handle).chunks());
  }

  cut(handle: number, gently: boolean): Promise<Outcome<void>> {
    return outcome(() => this.#at(handle).cut(gently));
  }

  flush(handle: number): Promise<Outcome<void>> {
    return outcome(() => this.#at(handle).flush());
  }

  complete(handle: number): Promise<Outcome<void>> {
    return outcome(() => this.#at(handle).complete());
  }

  close(handle: number): Promise<Outcome<void>> {
    return outcome(async () => {
      const stored = this.#handles.get(handle);
      this.#handles.delete(handle);
      await stored?.close();
    });
  }

  keepAdapter(file: Blob, name: string, onProgress: (share: number) => void): Promise<Outcome<NewAdapter>> {
    return outcome(async () => await keepAdapter(await this.#store, { file, name }, onProgress));
  }

  keepModel(file: Blob, name: string, onProgress: (share: number) => void): Promise<Outcome<NewModel>> {
    return outcome(async () => await keepModel(await this.#store, { file, name }, onProgress));
  }

  #opened(stored: StoredContent): OpenedContent {
    this.#last++;
    this.#handles.set(this.#last, stored);
    return { handle: this.#last, manifest: stored.manifest, pieces: stored.pieces.bytes() };
  }

  #at(handle: number): StoredContent {
    const stored = this.#handles.get(handle);
    if (stored === undefined) throw new MeshError('model_unreadable', 'This model was closed. Start again.');
    return stored;
  }
}

function outcome<T>(run: () => Promise<T>): Promise<Outcome<T>> {
  return settled(run, storeError);
}

function storeError(thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  if (isFull(thrown)) return storageFull(thrown);
  return new MeshError(
    'model_unreadable',
    'This browser could not read or write the files of a model. Delete the model under “Models on this device” on the ' +
      'Donate page and start again; if this comes back, restart the browser.',
    { cause: thrown },
  );
}
