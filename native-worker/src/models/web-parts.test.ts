import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { realClock } from '@llmesh/core/base/clock';
import { ModelMirror } from '../testing/model-mirror.ts';
import { WebParts } from './web-parts.ts';

const bytes = randomBytes(300_000);
const never = new AbortController().signal;
let mirror: ModelMirror;
beforeAll(async () => {
  mirror = await new ModelMirror().listen();
});
afterAll(() => mirror.close());
beforeEach(() => {
  mirror.files.set('/m.gguf', bytes);
  mirror.ranges = true;
  mirror.fault = () => null;
  mirror.claimedBytes = null;
  mirror.requests.length = 0;
});

const source = () => new WebParts([{ url: new URL(`${mirror.origin}/m.gguf`), authorization: null }], realClock);
const read = (from: number, to: number, of = source()) => of.read(0, from, to, never);

it('gives the bytes that it was asked for, and dials no server before', async () => {
  const web = source();
  expect(mirror.requests).toEqual([]);
  const [a, b] = await Promise.all([read(0, 100_000, web), read(100_000, 300_000, web)]);
  expect(Buffer.concat([a, b]).equals(bytes)).toBe(true);
  // It was opened once.
  expect(mirror.requests).toHaveLength(3);
});

it('says that a server sends no parts, so that nobody asks it again', async () => {
  mirror.ranges = false;
  await expect(read(0, 10)).rejects.toMatchObject({ code: 'unsupported' });
});

it('takes no part of another file under the same name, nor another part than it asked for', async () => {
  const web = source();
  await read(0, 10, web);
  mirror.files.set('/m.gguf', randomBytes(400_000));
  await expect(read(0, 10, web)).rejects.toMatchObject({ code: 'unsupported' });
  mirror.files.set('/m.gguf', bytes);
  mirror.fault = () => ({ shiftBytes: 5 });
  await expect(read(0, 10, web)).rejects.toMatchObject({ code: 'model_download_failed' });
});

it('comes back when the server does', async () => {
  const web = source();
  mirror.fault = () => ({ status: 503 });
  await expect(read(0, 10, web)).rejects.toMatchObject({ code: 'model_download_failed' });
  mirror.fault = () => null;
  expect(Buffer.compare(await read(0, 10, web), bytes.subarray(0, 10))).toBe(0);
  await expect(web.read(1, 0, 10, never)).rejects.toMatchObject({ code: 'unsupported' });
  await expect(web.read(0, 0, 10, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
});
