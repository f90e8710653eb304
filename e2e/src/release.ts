/** The built page in a folder of its own, which can be followed by the next version, as when a server is upgraded. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { ROOT } from './processes.ts';

const HASHED = /-[\w-]{8}\.\w+$/;
const TEXTS = new Set(['.html', '.js', '.css', '.webmanifest']);

export class Release {
  readonly folder = mkdtempSync(join(tmpdir(), 'llmesh-release-'));

  constructor() {
    cpSync(join(ROOT, 'web', 'dist'), this.folder, { recursive: true });
  }

  /** Every hashed file gets another name, and the old ones are gone. */
  next(): void {
    const assets = join(this.folder, 'assets');
    const names = new Map(
      readdirSync(assets)
        .filter((name) => HASHED.test(name))
        .map((name) => [name, name.replace(/(.)(\.\w+)$/, (_all, last: string, type: string) => other(last) + type)]),
    );
    for (const file of [...readdirSync(this.folder), ...readdirSync(assets).map((name) => join('assets', name))]) {
      if (!TEXTS.has(extname(file))) continue;
      const path = join(this.folder, file);
      let text = readFileSync(path, 'utf8');
      for (const [before, after] of names) text = text.replaceAll(before, after);
      // The worker knows versions by the content of the page.
      if (file === 'sw.js') text = text.replaceAll(/[0-9a-f]{32}/g, (hash) => hash.replace(/.$/, other));
      writeFileSync(path, text);
    }
    for (const [before, after] of names) renameSync(join(assets, before), join(assets, after));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Of the letters that a hash has, in each case one of the same kind. */
function other(letter: string): string {
  return letter === '0' ? '1' : '0';
}
