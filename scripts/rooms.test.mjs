// The house keeps its doors: a circle of files, one of types alone, a door that opens the wrong way, a file in no room and a folder
// that is too full are all found. On a copy of the sources, with one fault planted in each.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
let house = '';
let planted = [];

beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'llmesh-house-'));
  for (const part of ['log', 'core', 'signaling', 'native-worker', 'web'].map((name) => `${name}/src`)) {
    cpSync(join(ROOT, part), join(house, part), { recursive: true });
  }
  for (const file of ['scripts/rooms.mjs', '.oxlintrc.json']) cpSync(join(ROOT, file), join(house, file));
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'));
});
afterAll(() => rmSync(house, { recursive: true }));
beforeEach(() => {
  planted = [];
});
afterEach(() => {
  for (const file of planted) rmSync(join(house, file));
});

function plant(files) {
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(house, file), text, { flag: 'wx' });
    planted.push(file);
  }
}

/** What the check says of this house; `ok`: it finds nothing. */
function looked() {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/rooms.mjs'], {
    cwd: house,
    encoding: 'utf8',
  });
  return { ok: status === 0, said: `${stdout}${stderr}` };
}

describe('the check of the rooms', () => {
  it('finds nothing in the house as it is, and says how large its folders are', () => {
    const { ok, said } = looked();
    expect(said).toMatch(/largest folder: .*, \d+ files\ncircles of files: 0\n/);
    expect(ok).toBe(true);
  });

  it('finds a circle of files, and one of types alone', () => {
    plant({
      'core/src/policy/zz-a.ts': "import { b } from './zz-b.ts';\nexport const a = () => b;\n",
      'core/src/policy/zz-b.ts': "import { a } from './zz-a.ts';\nexport const b = () => a;\n",
      'core/src/policy/zz-c.ts': "import type { D } from './zz-d.ts';\nexport type C = D[];\n",
      'core/src/policy/zz-d.ts': "import type { C } from './zz-c.ts';\nexport type D = { of: C };\n",
    });
    const { ok, said } = looked();
    expect(ok).toBe(false);
    expect(said).toContain('circles of files: 2');
    const lint = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['core/src/policy'], {
      cwd: house,
      encoding: 'utf8',
    });
    expect(lint.status).not.toBe(0);
    expect(lint.stdout).toContain('no-cycle');
  });

  it('finds a door that opens the wrong way', () => {
    plant({ 'core/src/wire/zz-up.ts': "export { rank } from '../policy/route.ts';\n" });
    expect(looked()).toMatchObject({ ok: false, said: expect.stringContaining('policy stands above wire') });
  });

  it('finds a file in no room, and what the control plane may not import', () => {
    mkdirSync(join(house, 'core/src/attic'));
    plant({
      'core/src/attic/zz-trunk.ts': 'export const old = 1;\n',
      'signaling/src/match/zz-peek.ts': "export { Requester } from '@llmesh/core/ask/requester';\n",
    });
    const { said } = looked();
    rmSync(join(house, planted.shift()));
    rmSync(join(house, 'core/src/attic'), { recursive: true });
    expect(said).toContain('core/src/attic/zz-trunk.ts lies in no room');
    expect(said).toContain('signaling/src/match/zz-peek.ts imports core/ask');
  });

  it('finds a folder that is too full', () => {
    plant(Object.fromEntries(Array.from({ length: 26 }, (_, i) => [`core/src/policy/zz-${i}.ts`, 'export {};\n'])));
    expect(looked().ok).toBe(false);
  });
});
