/** Where models lie in a browser, for a worker: only there may files be written in place. */
import { MeshError } from '@llmesh/core/base/errors';
import { manifestBytes, type Manifest } from '@llmesh/core/models/manifest';
import { PieceMap } from '@llmesh/core/models/piece-map';
import type { ContentId, PieceStore, StoredContent, StoredSummary } from '@llmesh/core/models/piece-store';
import { requireRoom } from '../common/room.ts';
import { FOLDER } from '../files/opfs-files.ts';
import { ContentFolder, removeContent, writeEntry } from './content-folder.ts';
import { SharedContent } from './shared-content.ts';
import { summaryOf } from './summary.ts';

export class OpfsPieceStore implements PieceStore {
  readonly #root: FileSystemDirectoryHandle;
  readonly #requireRoom: (bytes: number) => Promise<void>;
  readonly #open = new Map<ContentId, Shared>();

  /** `room`: rejects with storage_full when so many bytes have no room. Left out: asks the browser. */
  constructor(root: FileSystemDirectoryHandle, room: (bytes: number) => Promise<void> = requireRoom) {
    this.#root = root;
    this.#requireRoom = room;
  }

  async list(): Promise<StoredSummary[]> {
    const folders = await ContentFolder.all(this.#root);
    return await Promise.all(
      folders.map(async (folder) => {
        const opened = await this.#open.get(folder.content)?.opened.catch(() => null);
        return await summaryOf(folder, opened?.pieces ?? null);
      }),
    );
  }

  async open(content: ContentId): Promise<StoredContent | null> {
    const shared = this.#enter(content, () => ContentFolder.find(this.#root, content));
    return await this.#handle(content, shared, false);
  }

  async begin(content: ContentId, manifest: Manifest): Promise<StoredContent> {
    const before = this.#open.get(content);
    if (before?.written) throw fetched();
    // Who looked and found nothing is about to go.
    if ((await before?.opened.catch(() => null)) === null) await before?.closed;
    if (this.#open.get(content)?.written) throw fetched();
    const shared = this.#enter(content, () => this.#begun(content, manifest));
    shared.written = true;
    const handle = await this.#handle(content, shared, true);
    if (handle === null) throw new MeshError('model_unreadable', 'This model was deleted meanwhile. Start again.');
    return handle;
  }

  async remove(content: ContentId): Promise<void> {
    if (this.#open.has(content))
      throw new MeshError('busy', 'This model is in use. Stop what uses it, then delete it.');
    await removeContent(this.#root, content);
  }

  async #begun(content: ContentId, manifest: Manifest): Promise<ContentFolder> {
    const found = await ContentFolder.find(this.#root, content);
    const { sizeBytes } = new PieceMap(manifest);
    if (found !== null) {
      if (!(await found.isWhole())) await this.#requireRoom(sizeBytes - (await allocated(found)));
      return found;
    }
    await this.#requireRoom(sizeBytes);
    const models = await this.#root.getDirectoryHandle(FOLDER, { create: true });
    const folder = await models.getDirectoryHandle(content, { create: true });
    await writeEntry(folder, 'manifest', manifestBytes(manifest));
    return new ContentFolder(content, manifest, folder);
  }

  #enter(content: ContentId, find: () => Promise<ContentFolder | null>): Shared {
    const before = this.#open.get(content);
    if (before !== undefined && before.handles > 0) {
      before.handles++;
      return before;
    }
    const gone = before?.closed ?? Promise.resolve();
    let closed = () => {};
    const shared: Shared = {
      handles: 1,
      written: false,
      opened: gone.then(find).then((folder) => (folder === null ? null : SharedContent.open(folder))),
      closed: new Promise((resolve) => (closed = resolve)),
      close: () => closed(),
    };
    this.#open.set(content, shared);
    return shared;
  }

  async #handle(content: ContentId, shared: Shared, writes: boolean): Promise<StoredContent | null> {
    const leave = async (opened: SharedContent | null) => {
      if (writes) shared.written = false;
      shared.handles--;
      if (shared.handles > 0) return;
      try {
        await opened?.close();
      } finally {
        if (this.#open.get(content) === shared) this.#open.delete(content);
        shared.close();
      }
    };
    try {
      const opened = await shared.opened;
      if (opened === null) await leave(null);
      return opened === null ? null : handleOf(opened, () => leave(opened));
    } catch (error) {
      await leave(null);
      throw error;
    }
  }
}

interface Shared {
  handles: number;
  /** One of them writes. */
  written: boolean;
  opened: Promise<SharedContent | null>;
  /** Resolves when the last handle is closed, and the locks are gone. */
  closed: Promise<void>;
  close: () => void;
}

/** What its files take already: they are as long as they will be. */
async function allocated(folder: ContentFolder): Promise<number> {
  let bytes = 0;
  for (const number of folder.manifest.files.keys()) {
    bytes += await folder.file(number).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

function handleOf(shared: SharedContent, leave: () => Promise<void>): StoredContent {
  let left: Promise<void> | null = null;
  const closed = new AbortController();
  return {
    content: shared.folder.content,
    manifest: shared.folder.manifest,
    pieces: shared.pieces,
    layer: (file) => shared.layer(file),
    keepLayer: (file, layer) => shared.keepLayer(file, layer),
    read: (piece) => shared.read(piece),
    write: (piece, bytes) => shared.write(piece, bytes),
    chunks: () => shared.chunks(),
    cut: (gently) => shared.cut(gently, closed.signal),
    flush: () => shared.flush(),
    complete: () => shared.complete(),
    close: () => {
      closed.abort();
      return (left ??= shared.flush().finally(leave));
    },
  };
}

function fetched(): MeshError {
  return new MeshError('busy', 'This model is being downloaded already. Wait for it.');
}
