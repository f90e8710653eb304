/** A folder with such files as /proc and /sys have, for what reads those. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export class MachineFolder {
  readonly root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-machine-'));

  constructor(files: Record<string, string> = {}) {
    this.write(files);
  }

  /** Each whole at once: somebody may be reading. */
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
