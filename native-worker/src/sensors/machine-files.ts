/** Reads what the system tells in files: /proc and /sys, or the same below another root. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export class MachineFiles {
  readonly #root: string;

  constructor(root = '/') {
    this.#root = root;
  }

  /** Null where there is no such file, or we may not read it. */
  async text(name: string): Promise<string | null> {
    try {
      return (await readFile(path.join(this.#root, name), 'utf8')).trim();
    } catch {
      // The files differ from machine to machine: where one is missing, we do not know.
      return null;
    }
  }

  /** Null where there is no such file, or no number in it. */
  async number(name: string): Promise<number | null> {
    const text = await this.text(name);
    return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
  }

  /** The names in a folder, in order; none where there is no such folder. */
  async names(folder: string): Promise<string[]> {
    try {
      return (await readdir(path.join(this.#root, folder))).sort();
    } catch {
      return [];
    }
  }
}
