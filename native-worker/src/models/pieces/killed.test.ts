/** A real process that writes a model is killed again and again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { randomFile } from '@llmesh/core/testing/made-model';
import { digestFile } from '../../files/file-hash.ts';
import { FROM_SOURCE, Running } from '../../testing/process.ts';
import { FilePieceStore } from './file-piece-store.ts';

const ROUNDS = Number(process.env['LLMESH_KILL_ROUNDS'] ?? 3);
const PIECES = 100;
const writer = fileURLToPath(new URL('../../testing/write-pieces.ts', import.meta.url));

it(
  'loses at most what it was just writing, and no wrong byte is ever whole',
  { timeout: 60_000 * ROUNDS },
  async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-killed-'));
    const file = path.join(folder, 'source');
    writeFileSync(file, randomFile(PIECES * PIECE_BYTES - 5));
    let kept: number[] = [];
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const running = new Running([...FROM_SOURCE, writer, folder, file]);
        const { here } = (await running.line((line) => 'here' in line)) as { here: number[] };
        expect(kept.filter((piece) => !here.includes(piece)).length).toBeLessThanOrEqual(2);
        const more = Math.floor((Math.random() * 1.5 * PIECES) / ROUNDS);
        await running.line((line) => running.lines.length > more || 'whole' in line);
        running.kill('SIGKILL');
        await running.exited;
        kept = [...here, ...running.lines.flatMap(({ piece }) => (typeof piece === 'number' ? [piece] : []))];
      }
      const last = new Running([...FROM_SOURCE, writer, folder, file]);
      await last.line((line) => 'whole' in line);
      last.kill('SIGKILL');
      await last.exited;
      const store = new FilePieceStore(folder);
      const [{ content, whole } = { content: null, whole: false }] = await store.list();
      expect(whole).toBe(true);
      const [made = ''] = (content === null ? null : await store.paths(content)) ?? [];
      const never = new AbortController().signal;
      expect(await digestFile(made, never)).toBe(await digestFile(file, never));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
