import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '@llmesh/core/base/clock';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import { download, type DownloadTarget } from './download.ts';
import { HuggingFace } from './hugging-face.ts';
import { parseModelSource, type HubFile, type UrlSource } from './model-source.ts';
import { listStore, removeStored, type StoredModel } from './model-store.ts';
import { ModelMirror } from '../testing/model-mirror.ts';
import { STALL_MS } from './transfer/web-request.ts';

/** So that there are many parts, and a short one. */
const bytes = randomBytes(3_500_000);
const PART_BYTES = 262_144;
const never = new AbortController().signal;
/** A clock on which half a minute of patience passes in half a second. */
const hurried: Clock = {
  now: () => performance.now() * 60,
  after(ms, run) {
    const timer = setTimeout(run, ms / 60);
    return () => clearTimeout(timer);
  },
};
/** Slower, so that a busy machine is not taken for a silent server. */
const calm: Clock = { ...hurried, after: (ms, run) => hurried.after(ms === STALL_MS ? ms * 20 : ms, run) };

describe('download', () => {
  let mirror: ModelMirror;
  let folder: string;
  let progress: LoadProgress[];

  beforeEach(async () => {
    mirror = await new ModelMirror().listen();
    mirror.files.set('/model.gguf', bytes);
    mirror.files.set('/user/model/resolve/main/model.gguf', bytes);
    folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-download-'));
    progress = [];
  });
  afterEach(async () => {
    await mirror.close();
    rmSync(folder, { recursive: true });
  });

  const place = (more: Partial<DownloadTarget> = {}): DownloadTarget => ({
    folder,
    dataFolder: folder,
    hub: new HuggingFace({ MODEL_ENDPOINT: mirror.origin, HF_TOKEN: 'hf_secret' }, calm),
    onProgress: (step) => progress.push(step),
    onSize: async () => {},
    onWait: () => {},
    peers: null,
    tools: { clock: calm, random: Math.random, partBytes: PART_BYTES },
    ...more,
  });
  const url = () => parseModelSource(`${mirror.origin}/model.gguf`) as UrlSource;
  const onHub = parseModelSource('hf:user/model/model.gguf') as HubFile;
  const fetchUrl = (sha256: string | null = null, signal = never, more: Partial<DownloadTarget> = {}) =>
    download({ source: url(), asked: 'it', sha256 }, place(more), signal);
  const expectWhole = (model: StoredModel, whole: Uint8Array = bytes) =>
    expect(digest(readFileSync(model.file))).toBe(digest(whole));
  /** The files besides the record and the checksums. */
  const left = () => readdirSync(folder).filter((name) => !name.endsWith('.json'));

  it('fetches each byte once, in parts, and tells how far it is', async () => {
    const model = await fetchUrl();
    expectWhole(model);
    expect(mirror.sentBytes).toBe(bytes.length + 1);
    expect(mirror.requests.length).toBeGreaterThan(bytes.length / PART_BYTES);
    expect(progress[0]).toEqual({ phase: 'download', loadedBytes: 0, totalBytes: bytes.length });
    expect(progress.at(-1)).toEqual({ phase: 'download', loadedBytes: bytes.length, totalBytes: bytes.length });
    expect(left()).toEqual([path.basename(model.file)]);
    mirror.requests.length = 0;
    expect((await fetchUrl()).file).toBe(model.file);
    expect(mirror.requests).toEqual([]);
  });

  it.each([
    ['a server that is busy', { status: 503 }],
    ['one that says for how long', { status: 429, retryAfter: '1' }],
    ['connections that break', { cutAfterBytes: 100_000 }],
    ['another part than the one asked for', { shiftBytes: 4096 }],
  ])('continues after %s', async (_, fault) => {
    mirror.fault = ({ index }) => (index % 3 === 2 ? fault : null);
    expectWhole(await fetchUrl());
  });

  it('continues after connections that fall silent', async () => {
    mirror.fault = ({ index }) => (index % 3 === 2 ? { stallAfterBytes: 100_000 } : null);
    const tools = { clock: hurried, random: Math.random, partBytes: PART_BYTES };
    expectWhole(await fetchUrl(null, never, { tools }));
  });

  it('needs no other name for the same file, where its checksum is known', async () => {
    mirror.etags = ({ index }) => `"node-${index % 3}"`;
    expectWhole(await fetchUrl(digest(bytes)));
  });

  it('gives up on a server that stays broken, keeps what came, and continues from there', async () => {
    mirror.fault = ({ index }) => (index > 6 ? { status: 500 } : null);
    await expect(fetchUrl()).rejects.toMatchObject({
      code: 'model_download_failed',
      message: expect.stringContaining('status 500'),
    });
    const [unfinished] = await listStore(folder);
    expect(unfinished).toMatchObject({ state: 'unfinished', sizeBytes: bytes.length });
    expect(unfinished?.loadedBytes).toBeGreaterThan(PART_BYTES);
    mirror.fault = () => null;
    mirror.sentBytes = 0;
    expectWhole(await fetchUrl());
    expect(mirror.sentBytes).toBe(bytes.length + 1 - (unfinished?.loadedBytes ?? 0));
  });

  it('takes a file from a server that has no parts, and begins again where that one breaks', async () => {
    mirror.ranges = false;
    mirror.fault = ({ index }) => (index === 1 || index === 2 ? { cutAfterBytes: 700_000 } : null);
    expectWhole(await fetchUrl());
  });

  it('takes a file of unknown length, but not more than the disk holds', async () => {
    mirror.ranges = false;
    mirror.lengths = false;
    mirror.fault = ({ index }) => (index === 1 ? { cutAfterBytes: 700_000 } : null);
    expectWhole(await fetchUrl());
    expect(progress.at(-1)).toEqual({ phase: 'download', loadedBytes: bytes.length, totalBytes: null });
  });

  it('begins again when the file changes on its server meanwhile', async () => {
    const other = randomBytes(bytes.length);
    mirror.fault = ({ index }) => {
      if (index === 5) mirror.files.set('/model.gguf', other);
      return null;
    };
    expectWhole(await fetchUrl(), other);
  });

  it('begins again when another file is there the next day', async () => {
    mirror.fault = ({ index }) => (index > 6 ? { status: 500 } : null);
    await expect(fetchUrl()).rejects.toMatchObject({ code: 'model_download_failed' });
    mirror.fault = () => null;
    const other = randomBytes(bytes.length);
    mirror.files.set('/model.gguf', other);
    expectWhole(await fetchUrl(), other);
  });

  it('leaves nothing of a file with the wrong bytes', async () => {
    await expect(fetchUrl('a'.repeat(64))).rejects.toMatchObject({ code: 'model_integrity' });
    expect(left()).toEqual([]);
  });

  it('checks what the hub promises, no matter who sends the bytes', async () => {
    const cdn = await new ModelMirror().listen();
    mirror.cdn = cdn.origin;
    cdn.files.set('/user/model/resolve/main/model.gguf', randomBytes(bytes.length));
    const wanted = { source: onHub, asked: 'hf:user/model', sha256: null };
    await expect(download(wanted, place(), never)).rejects.toMatchObject({ code: 'model_integrity' });
    cdn.files.set('/user/model/resolve/main/model.gguf', bytes);
    expectWhole(await download(wanted, place(), never));
    // Only the hub may know who asks.
    expect(new Set(mirror.authorizations)).toEqual(new Set(['Bearer hf_secret']));
    expect(new Set(cdn.authorizations)).toEqual(new Set([undefined]));
    await cdn.close();
  });

  it('refuses before the first byte what is not the file of the catalogue any more', async () => {
    const wanted = { source: onHub, asked: 'some-model', sha256: 'a'.repeat(64) };
    await expect(download(wanted, place(), never)).rejects.toMatchObject({ code: 'model_integrity' });
    expect(mirror.sentBytes).toBeLessThan(PART_BYTES);
  });

  it('says what is missing, and how to show who asks', async () => {
    const missing = { source: parseModelSource('hf:user/model/none.gguf') as HubFile, asked: 'x', sha256: null };
    await expect(download(missing, place(), never)).rejects.toMatchObject({ code: 'model_not_found' });
    mirror.fault = () => ({ status: 401 });
    await expect(fetchUrl()).rejects.toMatchObject({ message: expect.stringContaining('HF_TOKEN') });
  });

  it('fetches all parts of a model, and after a break only what is missing', async () => {
    const names = [1, 2, 3].map((n) => `big-0000${n}-of-00003.gguf`);
    for (const name of names) mirror.files.set(`/user/model/resolve/main/q4/${name}`, randomBytes(600_000));
    const source = parseModelSource(`hf:user/model/q4/${names[0]}`) as HubFile;
    mirror.fault = ({ path, range }) => (path.endsWith(names[1] ?? '') && range?.to !== 0 ? { status: 500 } : null);
    await expect(download({ source, asked: 'big', sha256: null }, place(), never)).rejects.toMatchObject({
      code: 'model_download_failed',
    });
    mirror.fault = () => null;
    mirror.sentBytes = 0;
    const model = await download({ source, asked: 'big', sha256: null }, place(), never);
    expect(model.file).toMatch(/-00001-of-00003\.gguf$/);
    expect(mirror.sentBytes).toBe(1_200_003);
    for (const [i, name] of names.entries()) {
      const file = model.file.replace('00001-of', `0000${i + 1}-of`);
      expect(readFileSync(file).equals(mirror.files.get(`/user/model/resolve/main/q4/${name}`) ?? Buffer.of())).toBe(
        true,
      );
    }
    await removeStored(folder, model);
    expect(readdirSync(folder)).toEqual(['checksums.json']);
  });

  it('stops at once, and later continues with what is missing', async () => {
    mirror.bytesPerSecond = 1_000_000;
    const abort = new AbortController();
    const stopped = fetchUrl(null, abort.signal, {
      onProgress: ({ loadedBytes }) => {
        if (loadedBytes > 5 * PART_BYTES) abort.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    mirror.bytesPerSecond = 0;
    mirror.sentBytes = 0;
    expectWhole(await fetchUrl());
    expect(mirror.sentBytes).toBeLessThanOrEqual(bytes.length + 1 - PART_BYTES);
  });

  it('is not held up by a server that never answers', async () => {
    mirror.fault = () => ({ status: 503, retryAfter: '3600' });
    const abort = new AbortController();
    const stopped = fetchUrl(null, abort.signal);
    await vi.waitFor(() => expect(mirror.requests.length).toBeGreaterThan(0));
    abort.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('lets one of two do it, and gives both the file', async () => {
    const waits: string[] = [];
    const both = ['first', 'second'].map((name) => fetchUrl(null, never, { onWait: () => waits.push(name) }));
    const [first, second] = await Promise.all(both);
    expect(first?.file).toBe(second?.file);
    expect(waits).toHaveLength(1);
    expect(mirror.sentBytes).toBe(bytes.length + 1);
  });

  it('does not begin what the disk has no room for', async () => {
    mirror.claimedBytes = 9e14;
    await expect(fetchUrl()).rejects.toMatchObject({ code: 'storage_full', message: expect.stringContaining('GB') });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('ignores a journal of a file that was cut', async () => {
    mirror.fault = ({ index }) => (index > 6 ? { status: 500 } : null);
    await expect(fetchUrl()).rejects.toMatchObject({ code: 'model_download_failed' });
    const part = readdirSync(folder).find((name) => name.endsWith('.part')) ?? '';
    writeFileSync(path.join(folder, part), '');
    mirror.fault = () => null;
    expectWhole(await fetchUrl());
  });

  describe.skipIf(!canMount())('on a small disk (needs root, to make one)', () => {
    beforeEach(() => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
    });
    afterEach(() => {
      execFileSync('umount', [folder]);
    });

    it('says that it filled up meanwhile, and continues when there is room again', async () => {
      const filler = path.join(folder, 'filler');
      mirror.fault = ({ index }) => {
        if (index === 4) writeFileSync(filler, Buffer.alloc(2_500_000));
        return null;
      };
      mirror.bytesPerSecond = 2_000_000;
      await expect(fetchUrl()).rejects.toMatchObject({
        code: 'storage_full',
        message: expect.stringContaining('continues where it stopped'),
      });
      rmSync(filler);
      mirror.bytesPerSecond = 0;
      expectWhole(await fetchUrl());
    });

    it('takes no more of a file of unknown length than there is room', async () => {
      mirror.files.set('/model.gguf', randomBytes(5_000_000));
      mirror.ranges = false;
      mirror.lengths = false;
      await expect(fetchUrl()).rejects.toMatchObject({ code: 'storage_full' });
    });
  });
});

function digest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    if (existsSync(folder)) rmSync(folder, { recursive: true });
  }
}
