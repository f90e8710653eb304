/** How much of this disk keeps models for others, and which of those here are only for that: `keep.json` in the data folder. */
import { rename } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { isContentId, type ContentId } from '@llmesh/core/base/ids';
import { openFresh, readOwn } from '../../files/own-file.ts';
import { errno } from '../../files/whole-file.ts';
import { freeBytes } from './file-piece-store.ts';

const FILE = 'keep.json';
const MAX_BYTES = 65_536;
/** The part of a disk's free room that others may have, whatever the owner says: it has to stay a computer to work with. */
const FREE_PART = 0.1;
const KeptSchema = v.object({
  version: v.literal(1),
  contents: v.pipe(v.array(v.custom<ContentId>(isContentId)), v.maxLength(512)),
});

export class KeptModels {
  /** What is kept already included. */
  readonly roomBytes: number;
  readonly #file: string;

  private constructor(file: string, roomBytes: number) {
    this.#file = file;
    this.roomBytes = roomBytes;
  }

  /** `mostBytes`: what the owner agreed to. */
  static async open(dataFolder: string, mostBytes: number): Promise<KeptModels> {
    const roomBytes = mostBytes === 0 ? 0 : Math.min(mostBytes, FREE_PART * (await freeBytes(dataFolder)));
    return new KeptModels(path.join(dataFolder, FILE), Math.floor(roomBytes));
  }

  /** Rejects when the file cannot be read. */
  async load(): Promise<ContentId[]> {
    try {
      return v.parse(KeptSchema, JSON.parse(await readOwn(this.#file, MAX_BYTES))).contents;
    } catch (thrown) {
      if (errno(thrown) === 'ENOENT') return [];
      throw thrown;
    }
  }

  async save(contents: readonly ContentId[]): Promise<void> {
    const handle = await openFresh(`${this.#file}.new`);
    try {
      await handle.writeFile(JSON.stringify({ version: 1, contents }));
    } finally {
      await handle.close();
    }
    await rename(`${this.#file}.new`, this.#file);
  }
}
