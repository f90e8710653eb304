/** The open files of one content: those that lie whole where they were placed, or the parts of one that is only begun. */
import { mkdir, rename, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import type { PiecePlace } from '@llmesh/core/models/piece-map';
import { openGiven, openOwn } from '../../files/own-file.ts';
import { errno } from '../../files/whole-file.ts';
import { placedFile, type ContentFolder, type PlacedFile } from './content-folder.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);

export class ContentHandles {
  readonly #folder: ContentFolder;
  readonly #open = new Map<number, Promise<FileHandle>>();
  /** Null while it is only begun. */
  #placed: PlacedFile[] | null;
  /** The files are on their way to another place: wait before opening one. */
  #moving: Promise<void> | null = null;

  constructor(folder: ContentFolder, placed: PlacedFile[] | null) {
    this.#folder = folder;
    this.#placed = placed;
  }

  /** Null: it is not whole. */
  get placed(): readonly PlacedFile[] | null {
    return this.#placed;
  }

  /** `writable`: of a part, not only to read it. */
  async open(file: number, writable: boolean): Promise<FileHandle> {
    await this.#moving;
    const known = this.#open.get(file);
    if (known !== undefined) return known;
    const placed = this.#placed?.[file]?.path;
    const part = () => (writable ? this.#folder.openPart(file) : openOwn(this.#folder.partOf(file)));
    const opening = placed === undefined ? part() : openGiven(placed);
    this.#open.set(file, opening);
    opening.catch(() => this.#open.delete(file));
    return opening;
  }

  /** Null: the file is shorter, or there is none. */
  async read({ file, offset, sizeBytes }: PiecePlace, writable: boolean): Promise<Uint8Array<ArrayBuffer> | null> {
    const bytes = new Uint8Array(sizeBytes);
    try {
      const { bytesRead } = await (await this.open(file, writable)).read(bytes, 0, sizeBytes, offset);
      return bytesRead === sizeBytes ? bytes : null;
    } catch {
      // A disk that cannot read it has lost it.
      return null;
    }
  }

  /** Makes the disk keep what was written. */
  async sync(): Promise<void> {
    for (const handle of await Promise.all(this.#open.values())) await handle.datasync();
  }

  /** From now on the files lie there, in the order of the manifest, and it is whole. */
  place(paths: readonly string[]): Promise<void> {
    const moving = this.#move(paths).finally(() => (this.#moving = null));
    this.#moving = moving.catch(() => {});
    return moving;
  }

  async close(): Promise<void> {
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const handle of await Promise.allSettled(open)) if (handle.status === 'fulfilled') await handle.value.close();
  }

  async #move(paths: readonly string[]): Promise<void> {
    await this.close();
    const placed: PlacedFile[] = [];
    for (const [i, to] of paths.entries()) {
      await mkdir(path.dirname(to), { recursive: true });
      await rename(this.#placed?.[i]?.path ?? this.#folder.partOf(i), to);
      const file = await placedFile(to);
      if (file === null) throw new MeshError('model_integrity', `${to} cannot be read. Check who owns the folder.`);
      placed.push(file);
    }
    this.#placed = placed;
    await this.#folder.keepFiles(placed);
  }
}

/** Says in words when the disk is full. */
export async function orDiskFull<T>(folder: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    if (!FULL.has(errno(thrown) ?? '')) throw thrown;
    throw new MeshError(
      'storage_full',
      `The disk of ${folder} takes nothing more. Make room and start again: it continues where it stopped.`,
      { cause: thrown },
    );
  }
}
