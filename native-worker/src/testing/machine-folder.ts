/** A folder with files like those of /proc and /sys, for the code that reads them. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class MachineFolder {
  readonly root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-machine-'));

  constructor(files: Record<string, string> = {}) {
    this.write(files);
  }

  /** Replaces each file whole, as somebody may be reading it. */
  write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      const file = path.join(this.root, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(`${file}.new`, `${text}\n`);
      renameSync(`${file}.new`, file);
    }
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }
}
