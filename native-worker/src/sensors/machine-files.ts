/** What the system tells in files: /proc and /sys, or the same below another root. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export class MachineFiles {
  readonly #root: string;

  constructor(root = '/') {
    this.#root = root;
  }

  /** Null where there is no such file, or none for us. */
  async text(name: string): Promise<string | null> {
    try {
      return (await readFile(path.join(this.#root, name), 'utf8')).trim();
    } catch {
      // Which files there are differs from machine to machine: one that is missing leaves us not knowing.
      return null;
    }
  }

  /** Null where there is none, or no number in it. */
  async number(name: string): Promise<number | null> {
    const text = await this.text(name);
    return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
  }

  /** Names in a folder, in order; none where there is no such folder. */
  async names(folder: string): Promise<string[]> {
    try {
      return (await readdir(path.join(this.#root, folder))).sort();
    } catch {
      return [];
    }
  }
}
