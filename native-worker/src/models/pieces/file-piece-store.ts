/** Models on the disk of this computer, piece by piece: those that came from peers, and those that were here before. */
import { mkdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { ContentId } from '@llmesh/core/base/ids';
import { MeshError } from '@llmesh/core/base/errors';
import { manifestBytes, type Manifest } from '@llmesh/core/models/manifest';
import type { PieceStore, StoredContent, StoredSummary } from '@llmesh/core/models/piece-store';
import { megabytes } from '../../cli/output.ts';
import { takeLock } from '../../files/process-lock.ts';
import { ContentFiles } from './content-files.ts';
import { ContentFolder, contentsFolder, listContents, type PlacedFile } from './content-folder.ts';

export interface FileStoreOptions {
  /** Milliseconds since 1970. */
  now: () => number;
  /** On the disk of this folder; Infinity where the disk does not say. */
  freeBytes: (folder: string) => Promise<number>;
  /** Before a model is begun that needs so much more. Rejects with storage_full. */
  makeRoom: (bytes: number, content: ContentId) => Promise<void>;
}

interface Open {
  files: Promise<ContentFiles | null>;
  users: number;
}

export class FilePieceStore implements PieceStore {
  readonly #folder: string;
  readonly #options: FileStoreOptions;
  readonly #open = new Map<ContentId, Open>();

  /** `modelsFolder`: the folder of downloaded models. */
  constructor(modelsFolder: string, options: Partial<FileStoreOptions> = {}) {
    this.#folder = contentsFolder(modelsFolder);
    this.#options = { now: Date.now, freeBytes, makeRoom: async () => {}, ...options };
  }

  async list(): Promise<StoredSummary[]> {
    const all = await Promise.all((await listContents(this.#folder)).map((content) => this.#summary(content)));
    return all.filter((one) => one !== null);
  }

  async open(content: ContentId): Promise<StoredContent | null> {
    const files = await this.#enter(content);
    if (files === null) return null;
    await this.#at(content).use(new Date(this.#options.now()));
    return this.#handle(files);
  }

  async begin(content: ContentId, manifest: Manifest): Promise<StoredContent> {
    const folder = this.#at(content);
    try {
      await mkdir(folder.folder, { recursive: true });
    } catch (cause) {
      const message = `The folder ${folder.folder} cannot be written to. Give another one with --data.`;
      throw new MeshError('storage_full', message, { cause });
    }
    // Whoever writes it writes the same bytes.
    if ((await folder.manifest()) === null) await folder.keepManifest(manifestBytes(manifest));
    const files = await this.#enter(content);
    if (files === null) throw new MeshError('storage_full', `${folder.folder} does not keep what is written there.`);
    return files.whole ? this.#handle(files) : this.#takeOver(files, folder);
  }

  async remove(content: ContentId): Promise<void> {
    const folder = this.#at(content);
    if (this.#open.has(content)) throw inUse();
    if ((await folder.manifest()) === null && !(await listContents(this.#folder)).includes(content)) return;
    const release = await takeLock(folder.lock);
    if (release === null) throw busy();
    // The lock goes with the folder.
    await folder.remove();
  }

  /** Where the files of a whole model lie, in the order of its manifest; null: it is not whole. */
  async paths(content: ContentId): Promise<string[] | null> {
    return (await this.#at(content).files())?.map((file) => file.path) ?? null;
  }

  /** When it was last read, in milliseconds since 1970. */
  usedAt(content: ContentId): Promise<number> {
    return this.#at(content).usedAt();
  }

  /** The content of which this file is one; null: there is none. */
  async containing(file: string): Promise<ContentId | null> {
    for (const content of await listContents(this.#folder)) {
      if ((await this.paths(content))?.includes(path.resolve(file)) === true) return content;
    }
    return null;
  }

  /** The content that consists of these files, unchanged since they were hashed; null: there is none. */
  async find(paths: readonly string[]): Promise<ContentId | null> {
    for (const content of await listContents(this.#folder)) {
      const there = await this.paths(content);
      if (there?.length === paths.length && there.every((file, i) => file === paths[i])) return content;
    }
    return null;
  }

  /**
   * Files that lie elsewhere are this model, as somebody has just hashed. Rejects with busy while it is fetched. What was here
   * of it before is not needed any more.
   */
  async adopt(
    content: ContentId,
    manifest: Manifest,
    layers: readonly Uint8Array[],
    placed: readonly PlacedFile[],
  ): Promise<void> {
    if ((await this.paths(content)) !== null) return;
    if (this.#open.has(content)) throw inUse();
    const folder = this.#at(content);
    await mkdir(folder.folder, { recursive: true });
    const release = await takeLock(folder.lock);
    if (release === null) throw busy();
    try {
      await folder.keepManifest(manifestBytes(manifest));
      await folder.keepLayers(Buffer.concat(layers));
      await folder.keepFiles(placed);
      await folder.dropParts(manifest);
    } finally {
      await release();
    }
  }

  /**
   * Moves the files of a whole model there. False: they are not ours to move, as they were here before, and stay where they
   * are. Rejects with busy and storage_full.
   */
  async moveTo(content: ContentId, paths: readonly string[]): Promise<boolean> {
    const files = await this.#enter(content);
    try {
      if (files === null) throw new MeshError('model_not_found', 'The model is gone. Download it again.');
      // Whoever writes it in this process has the lock already.
      if (files.writable) return await files.moveTo(paths);
      const release = await takeLock(this.#at(content).lock);
      if (release === null) throw busy();
      try {
        return await files.moveTo(paths);
      } finally {
        await release();
      }
    } finally {
      if (files !== null) await this.#leave(content);
    }
  }

  #at(content: ContentId): ContentFolder {
    return new ContentFolder(this.#folder, content);
  }

  async #summary(content: ContentId): Promise<StoredSummary | null> {
    const files = await this.#enter(content);
    if (files === null) return null;
    try {
      const { manifest, map, loadedBytes, whole } = files;
      if (!whole && loadedBytes === 0 && !files.writable) return null;
      const [only, ...others] = manifest.files;
      return {
        content,
        format: manifest.format,
        sha256: only === undefined || others.length > 0 ? null : Buffer.from(only.sha256).toString('hex'),
        sizeBytes: map.sizeBytes,
        loadedBytes,
        whole,
        usedAt: Math.floor(await this.#at(content).usedAt()),
      };
    } finally {
      await this.#leave(content);
    }
  }

  /** One more uses it. Null: nothing of it is here. */
  async #enter(content: ContentId): Promise<ContentFiles | null> {
    const entry = this.#open.get(content) ?? { files: ContentFiles.open(this.#at(content), content), users: 0 };
    entry.users += 1;
    this.#open.set(content, entry);
    try {
      const files = await entry.files;
      if (files === null) await this.#leave(content);
      return files;
    } catch (thrown) {
      await this.#leave(content);
      throw thrown;
    }
  }

  async #leave(content: ContentId): Promise<void> {
    const entry = this.#open.get(content);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#open.delete(content);
    await (await entry.files.catch(() => null))?.close();
  }

  async #takeOver(files: ContentFiles, folder: ContentFolder): Promise<StoredContent> {
    // This process holds the lock, or another does.
    const release = files.writable ? null : await takeLock(folder.lock);
    try {
      if (release === null) throw busy();
      await this.#checkRoom(files, folder.folder);
      await files.takeOver(release);
      return this.#handle(files, true);
    } catch (thrown) {
      await release?.();
      await this.#leave(files.content);
      throw thrown;
    }
  }

  /** Rejects with storage_full. */
  async #checkRoom(files: ContentFiles, folder: string): Promise<void> {
    const missing = files.map.sizeBytes - files.loadedBytes;
    // Questions of strangers name adapters: no model leaves for one.
    if (files.manifest.format !== 'adapter') await this.#options.makeRoom(missing, files.content);
    const free = await this.#options.freeBytes(folder);
    if (free >= missing) return;
    throw new MeshError(
      'storage_full',
      `The model needs ${megabytes(missing)} more on the disk of ${folder}, where ${megabytes(free)} are free. Make room, or give another folder with --data.`,
    );
  }

  /** Under the lock, so that two programs of this computer do not do the same work. */
  async #cut(files: ContentFiles, gently: boolean, signal: AbortSignal): Promise<void> {
    const release = files.writable ? async () => {} : await takeLock(this.#at(files.content).lock);
    if (release === null) throw busy();
    try {
      await files.cut(gently, signal);
    } finally {
      await release();
    }
  }

  #handle(files: ContentFiles, writes = false): StoredContent {
    let open = true;
    const closed = new AbortController();
    return {
      content: files.content,
      manifest: files.manifest,
      pieces: files.pieces,
      layer: async (file) => files.layer(file),
      keepLayer: (file, layer) => files.keepLayer(file, layer),
      read: (piece) => files.read(piece),
      write: (piece, bytes) => files.write(piece, bytes),
      chunks: () => files.chunks(),
      cut: (gently) => this.#cut(files, gently, closed.signal),
      flush: () => files.flush(),
      complete: () => files.complete(),
      close: async () => {
        if (!open) return;
        open = false;
        closed.abort();
        try {
          if (writes) await files.giveUp();
        } finally {
          await this.#leave(files.content);
        }
      },
    };
  }
}

/** Infinity where the disk does not say. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(folder);
  // Some network disks do not say.
  return blocks === 0 ? Infinity : bavail * bsize;
}

function busy(): MeshError {
  return new MeshError('busy', 'Another llmesh is fetching this model. Wait for it, or stop that one.');
}

function inUse(): MeshError {
  return new MeshError('busy', 'This model is being fetched or lent. Stop that first.');
}
