/**
 * What a witness has signed, on the disk before its signature leaves: killed at any moment, it signs no second past. One
 * process at a time has the folder (`identity-file.ts` sees to that).
 */
import { constants } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import { count, text } from '@llmesh/core/wire/fields';
import { readHash, toBase64 } from '@llmesh/log/base/base64';
import { sameBytes } from '@llmesh/log/base/hashing';
import { MAX_NOTE_BYTES } from '@llmesh/log/note/note';
import type { Witnessed, WitnessState } from '@llmesh/log/witness/witness';
import { openFresh, readOwn } from '../files/own-file.ts';
import { errno } from '../files/whole-file.ts';

const FILE = 'witnessed.json';
/** Logs that one witness knows. */
const MAX_LOGS = 64;
const MAX_FILE_BYTES = MAX_LOGS * 2 * MAX_NOTE_BYTES;

const LogsSchema = v.record(
  text(256),
  v.strictObject({ size: count, root: text(44), timeS: count, note: text(MAX_NOTE_BYTES) }),
);

export class WitnessFile implements WitnessState {
  readonly #folder: string;
  readonly #logs: Map<string, Witnessed>;
  /** What is being written. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, logs: Map<string, Witnessed>) {
    this.#folder = folder;
    this.#logs = logs;
  }

  /** Rejects with log_broken for a damaged file: a witness that forgets what it signed is none. */
  static async open(folder: string): Promise<WitnessFile> {
    const file = path.join(folder, FILE);
    const written = await readOwn(file, MAX_FILE_BYTES).catch((thrown: unknown) => {
      if (errno(thrown) === 'ENOENT') return null;
      throw thrown;
    });
    return new WitnessFile(folder, written === null ? new Map() : logsIn(written, file));
  }

  get(origin: string): Promise<Witnessed | null> {
    return Promise.resolve(this.#logs.get(origin) ?? null);
  }

  /** Rejects with the system's error, and nothing has changed. */
  put(origin: string, before: Witnessed | null, next: Witnessed): Promise<boolean> {
    const put = this.#writing.then(async () => {
      if (!isSame(this.#logs.get(origin) ?? null, before)) return false;
      if (before === null && this.#logs.size >= MAX_LOGS)
        throw new MeshError('log_broken', `A witness knows at most ${MAX_LOGS} logs. Start another, with --data.`);
      await this.#write(new Map(this.#logs).set(origin, next));
      this.#logs.set(origin, next);
      return true;
    });
    // The next one is compared with what is there then; who asked hears of the failure.
    this.#writing = put.catch(() => {});
    return put;
  }

  async #write(logs: Map<string, Witnessed>): Promise<void> {
    const entries = Array.from(logs, ([origin, { root, ...rest }]) => [origin, { ...rest, root: toBase64(root) }]);
    const file = path.join(this.#folder, FILE);
    const handle = await openFresh(`${file}.new`);
    try {
      await handle.writeFile(`${JSON.stringify(Object.fromEntries(entries))}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
    await settle(this.#folder);
  }
}

function logsIn(written: string, file: string): Map<string, Witnessed> {
  try {
    const logs = Object.entries(v.parse(LogsSchema, JSON.parse(written)));
    return new Map(
      logs.map(([origin, { root, ...rest }]) => {
        const hash = readHash(root);
        if (hash === null) throw new Error(`the root of ${origin} is none`);
        return [origin, { ...rest, root: hash }];
      }),
    );
  } catch (cause) {
    throw new MeshError(
      'log_broken',
      `${file} is damaged. A witness that forgets what it signed could sign a second past: bring the file back from a copy, or start a new witness, with another key, in a folder of its own.`,
      { cause },
    );
  }
}

/** A power cut must not bring back the file before. Windows opens no folders. */
async function settle(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isSame(a: Witnessed | null, b: Witnessed | null): boolean {
  if (a === null || b === null) return a === b;
  return a.size === b.size && a.timeS === b.timeS && sameBytes(a.root, b.root);
}
