import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { doneBytes, readJournal } from '../../models/download-journal.ts';
import { listModels, pull, removeModel } from './models-command.ts';
import type { Output } from '../../cli/output.ts';
import { ModelMirror } from '../../testing/model-mirror.ts';
import { startLlmesh, type Running } from '../../testing/process.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/llmesh-tiny.gguf', import.meta.url));
/** Begins like a model; a download looks no further. */
const bytes = Buffer.concat([readFileSync(tiny), randomBytes(60_000_000)]);
const PART_BYTES = 8_388_608;

describe('llmesh models', () => {
  let mirror: ModelMirror;
  let data: string;
  let store: string;
  let url: string;
  const started: Running[] = [];

  beforeAll(async () => {
    mirror = await new ModelMirror().listen();
    mirror.files.set('/large.gguf', bytes);
    url = `${mirror.origin}/large.gguf`;
    mirror.files.set('/page.gguf', Buffer.from('<html>'));
    data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-pull-'));
    store = path.join(data, 'models');
  });
  afterAll(async () => {
    for (const running of started) running.kill('SIGKILL');
    await Promise.all(started.map((running) => running.exited));
    await mirror.close();
    rmSync(data, { recursive: true });
  });

  const llmesh = (...args: string[]) => {
    const running = startLlmesh('models', ...args, '--data', data, '--json');
    started.push(running);
    return running;
  };
  /** In this process: what would be printed. */
  const printed = async (run: (output: Output) => Promise<void>) => {
    const results: object[] = [];
    await run({ json: true, print: (_: string, result: object) => results.push(result) } as unknown as Output);
    return results.at(-1);
  };
  /** Files of models, and what is known about their pieces. */
  const left = () => readdirSync(store, { recursive: true }).filter((name) => name !== 'contents');
  const list = () => printed((output) => listModels(data, output)) as Promise<Record<string, unknown>>;
  const remove = (model: string) => printed((output) => removeModel(model, data, output));

  it('continues after kill -9 with what is missing, and has the right bytes in the end', async () => {
    mirror.bytesPerSecond = 4_000_000;
    const killed = llmesh('pull', url);
    const file = await vi.waitFor(
      async () => {
        const part = readdirSync(store).find((name) => name.endsWith('.part'));
        const found = path.join(store, (part ?? '').replace(/\.part$/, ''));
        const journal = await readJournal(found);
        if (journal === null) throw new Error('nothing is on the disk for sure yet');
        expect(doneBytes(journal)).toBeGreaterThanOrEqual(2 * PART_BYTES);
        return found;
      },
      { timeout: 25_000, interval: 50 },
    );
    mirror.bytesPerSecond = 100_000;
    await expect(remove(url)).rejects.toMatchObject({ code: 'busy' });
    expect((await list())['others']).toMatchObject([{ model: url, state: 'downloading' }]);
    killed.kill('SIGKILL');
    await killed.exited;
    expect(killed.lines.some((line) => 'download' in line)).toBe(true);

    expect((await list())['others']).toMatchObject([{ model: url, state: 'unfinished', sizeBytes: bytes.length }]);

    mirror.bytesPerSecond = 0;
    mirror.sentBytes = 0;
    const second = llmesh('pull', url);
    expect(await second.exited).toBe(0);
    expect(second.lines.at(-1)).toMatchObject({ model: url, file, sizeBytes: bytes.length });
    expect(mirror.sentBytes).toBeLessThanOrEqual(bytes.length + 1 - 2 * PART_BYTES);
    expect(sha256(readFileSync(file))).toBe(sha256(bytes));
  }, 60_000);

  it('lists what there is and whether it fits, and removes it', async () => {
    copyFileSync(tiny, path.join(store, 'mine.gguf'));
    const { models, others } = await list();
    expect(models).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ model: 'llmesh-tiny', state: 'shipped', fits: true }),
        expect.objectContaining({ model: 'qwen3-8b-q4', state: 'absent' }),
      ]),
    );
    const mine = { model: path.join(store, 'mine.gguf'), state: 'complete', fits: true };
    expect(others).toMatchObject([{ model: url, state: 'complete' }, mine]);
    expect(await remove(url)).toMatchObject({ freedBytes: bytes.length });
    expect(await remove(mine.model)).toMatchObject({ removed: 'mine' });
    expect(left()).toEqual([]);
    await expect(remove(url)).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(remove('llmesh-tiny')).rejects.toMatchObject({ code: 'model_not_found' });
    expect(existsSync(tiny)).toBe(true);
  });

  it('shows nobody what may be secret in an address, and removes what came from there', async () => {
    const shown = `${mirror.origin}/page.gguf`;
    const pulled = printed((output) => pull(`${shown}?token=secret`, { data, mesh: new URL(mirror.origin) }, output));
    await expect(pulled).rejects.toMatchObject({
      code: 'model_unreadable',
      message: expect.not.stringContaining('secret'),
    });
    const { others } = await list();
    expect(JSON.stringify(others)).not.toContain('secret');
    expect(others).toMatchObject([{ state: 'complete', fits: null, why: 'is damaged: remove it' }]);
    await remove(shown);
    expect(left()).toEqual([]);
  });

  it('stops at Ctrl-C with code 0', async () => {
    mkdirSync(store, { recursive: true });
    mirror.bytesPerSecond = 4_000_000;
    const running = llmesh('pull', url);
    await running.line((line) => 'download' in line);
    running.kill('SIGINT');
    expect(await running.exited).toBe(0);
    expect(running.lines.at(-1)).toMatchObject({ stopped: true });
  }, 60_000);
});

function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
