/**
 * What is kept of one model beside its files, in a folder named by its content id: `manifest`, the canonical bytes that the id
 * is the hash of; `layers`, the hashes of all pieces; `files.json`, where its files lie once they are whole; `chunks`, where
 * content-defined chunks end in them. While it is only
 * begun: `part.0`, `part.1`, …, which are full of holes, `have`, a bitmap of the pieces that are safely on the disk, and
 * `recent`, the numbers of those that came since, which are hashed again before they are believed.
 */
import { closeSync, constants, existsSync, renameSync, writeSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { isContentId, type ContentId } from '@llmesh/core/base/ids';
import { manifestOf } from '@llmesh/core/models/content-id';
import { MAX_FILES, MAX_MANIFEST_BYTES, MAX_PIECES, type Manifest } from '@llmesh/core/models/manifest';
import { PieceSet } from '@llmesh/core/models/piece-set';
import { openFresh, openFreshSync, openOwn, readOwn } from '../../files/own-file.ts';
import { errno } from '../../files/whole-file.ts';
import { nodeHasher } from './node-hasher.ts';

const MAX_FILES_BYTES = 8_388_608;
/** Four bytes a number; more are never there, as `have` is written before. */
const MAX_RECENT = 65_536;
const RECENT = 'recent';
const OLDER = 'recent.old';
const NO_LINK = constants.O_NOFOLLOW ?? 0;

const FilesSchema = v.object({
  version: v.literal(1),
  files: v.pipe(
    v.array(v.object({ path: v.string(), sizeBytes: v.number(), modifiedMs: v.number() })),
    v.maxLength(MAX_FILES),
  ),
});

/** A file as it was when its bytes were checked. */
export type PlacedFile = v.InferOutput<typeof FilesSchema>['files'][number];

export function contentsFolder(modelsFolder: string): string {
  return path.join(modelsFolder, 'contents');
}

/** The content ids for which there is a folder. */
export async function listContents(folder: string): Promise<ContentId[]> {
  try {
    return (await readdir(folder)).filter(isContentId);
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

export class ContentFolder {
  readonly folder: string;
  readonly #content: ContentId;

  constructor(folder: string, content: ContentId) {
    this.folder = path.join(folder, content);
    this.#content = content;
  }

  get lock(): string {
    return path.join(this.folder, 'lock');
  }

  /** Null: there is none that is right. */
  async manifest(): Promise<Manifest | null> {
    const bytes = await bytesOf(this.#in('manifest'), MAX_MANIFEST_BYTES);
    return bytes === null ? null : manifestOf(this.#content, bytes, nodeHasher);
  }

  async keepManifest(bytes: Uint8Array): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await this.#keep('manifest', bytes);
  }

  /** The layers of all files, one after another; zeros where one is not here. Nobody has checked them since. */
  layers(byteLength: number): Promise<Uint8Array | null> {
    return bytesOf(this.#in('layers'), byteLength);
  }

  async keepLayers(layers: Uint8Array): Promise<void> {
    await this.#keep('layers', layers);
  }

  /** The lists of chunks of all files (`packLists`). Nobody has checked them since. */
  chunks(mostBytes: number): Promise<Uint8Array | null> {
    return bytesOf(this.#in('chunks'), mostBytes);
  }

  async keepChunks(packed: Uint8Array): Promise<void> {
    await this.#keep('chunks', packed);
  }

  partOf(file: number): string {
    return this.#in(`part.${file}`);
  }

  /** Where a file is put once it is whole. */
  wholeOf(file: string): string {
    return path.join(this.folder, 'files', file);
  }

  /** For reading and writing. Makes it where it is missing. */
  async openPart(file: number): Promise<FileHandle> {
    try {
      return await open(this.partOf(file), constants.O_RDWR | NO_LINK);
    } catch (thrown) {
      if (errno(thrown) !== 'ENOENT') throw thrown;
      return open(this.partOf(file), 'wx+', 0o600);
    }
  }

  /** Pieces that were on the disk before the system was told of them; none where that is unknown. */
  async have(pieces: number): Promise<PieceSet> {
    const bits = await bytesOf(this.#in('have'), Math.ceil(MAX_PIECES / 8));
    return (bits === null ? null : PieceSet.read(pieces, bits)) ?? new PieceSet(pieces);
  }

  /** Call `forgetOlder` when it has resolved. */
  async keepHave(have: Uint8Array): Promise<void> {
    await this.#keep('have', have);
  }

  /** Pieces that came after `have` was written, or were about to: nobody knows which of them are right. */
  async recent(): Promise<number[]> {
    const all = await Promise.all([OLDER, RECENT].map((name) => bytesOf(this.#in(name), 4 * MAX_RECENT)));
    return all.flatMap((bytes) => {
      if (bytes === null) return [];
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, i) => view.getUint32(4 * i));
    });
  }

  /** From now on pieces are noted in another file than before: what is in the older one is about to be in `have`. */
  newRecent(): RecentPieces {
    const file = this.#in(RECENT);
    if (existsSync(file)) renameSync(file, this.#in(OLDER));
    return new RecentPieces(openFreshSync(file));
  }

  async forgetOlder(): Promise<void> {
    await rm(this.#in(OLDER), { force: true });
  }

  /** Null: it is not whole, or its files are not the ones any more that were checked. */
  async files(): Promise<PlacedFile[] | null> {
    let placed: PlacedFile[];
    try {
      placed = v.parse(FilesSchema, JSON.parse(await readOwn(this.#in('files.json'), MAX_FILES_BYTES))).files;
    } catch {
      // A record that is damaged says as little as none: the files are hashed again.
      return null;
    }
    for (const file of placed) {
      const now = await placedFile(file.path);
      if (now === null || now.sizeBytes !== file.sizeBytes || now.modifiedMs !== file.modifiedMs) return null;
    }
    return placed;
  }

  async keepFiles(files: readonly PlacedFile[]): Promise<void> {
    await this.#keep('files.json', Buffer.from(JSON.stringify({ version: 1, files })));
    await Promise.all(['have', OLDER, RECENT].map((name) => rm(this.#in(name), { force: true })));
  }

  /** Removes what had been fetched of files that lie elsewhere now. */
  async dropParts({ files }: Manifest): Promise<void> {
    await Promise.all(files.map((_, i) => rm(this.partOf(i), { force: true })));
  }

  /** When it was last read, in milliseconds since 1970. */
  async usedAt(): Promise<number> {
    return (await stat(this.#in('manifest'))).mtimeMs;
  }

  async use(now: Date): Promise<void> {
    await utimes(this.#in('manifest'), now, now);
  }

  /** All that is in it. Files that lie elsewhere stay. */
  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** There whole or not at all, and on the disk when it resolves. */
  async #keep(name: string, bytes: Uint8Array): Promise<void> {
    const draft = `${this.#in(name)}.new`;
    const handle = await openFresh(draft);
    try {
      await handle.writeFile(bytes);
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(draft, this.#in(name));
  }

  #in(name: string): string {
    return path.join(this.folder, name);
  }
}

/** Numbers of pieces, written before their bytes are, at once: four bytes are never worth waiting for. */
export class RecentPieces {
  readonly #handle: number;

  constructor(handle: number) {
    this.#handle = handle;
  }

  add(piece: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(piece);
    writeSync(this.#handle, bytes);
  }

  close(): void {
    closeSync(this.#handle);
  }
}

/** A file as it is now; null: there is none that can be read. */
export async function placedFile(file: string): Promise<PlacedFile | null> {
  try {
    const { size: sizeBytes, mtimeMs: modifiedMs } = await stat(file);
    return { path: file, sizeBytes, modifiedMs };
  } catch {
    // Whoever may not look at it cannot lend it either.
    return null;
  }
}

/** Null: there is no such file, or it is longer. */
async function bytesOf(file: string, mostBytes: number): Promise<Uint8Array | null> {
  let handle: FileHandle;
  try {
    handle = await openOwn(file);
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return null;
    throw thrown;
  }
  try {
    const { size } = await handle.stat();
    if (size > mostBytes) return null;
    const bytes = new Uint8Array(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
