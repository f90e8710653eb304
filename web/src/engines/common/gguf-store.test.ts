// @vitest-environment node
import type { GgufModel } from '@llmesh/core/policy/catalogue';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { StandInOpfs, type Step } from '../../testing/stand-in-opfs.ts';
import { MemoryFiles } from '../files/memory-files.ts';
import { OpfsFiles } from '../files/opfs-files.ts';
import { isGenuine, openGguf } from './gguf-store.ts';
import { ggufFileName } from './model-url.ts';

const CONTENT = 'a model, as it were';
const URL_OF_IT = `data:application/octet-stream,${encodeURIComponent(CONTENT)}`;
const MODEL = {
  id: 'm',
  name: 'Model',
  format: 'gguf',
  sizeBytes: CONTENT.length,
  sha256: bytesToHex(sha256(new TextEncoder().encode(CONTENT))),
} as GgufModel;
const NAME = ggufFileName(MODEL);
const never = new AbortController().signal;
const full = new DOMException('Full.', 'QuotaExceededError');

function setUp() {
  const opfs = new StandInOpfs();
  const files = new OpfsFiles(opfs.root);
  const open = async (model = MODEL, url = URL_OF_IT) =>
    await (await openGguf(files, model, url, () => {}, never)).text();
  return { opfs, files, open };
}

describe('a model that is fetched', () => {
  it('is checked, kept, and not fetched again', async () => {
    const { files, open } = setUp();
    expect(await open()).toBe(CONTENT);
    expect(await files.find(NAME)).toMatchObject({ whole: true, bytes: CONTENT.length });
    expect(await open(MODEL, 'data:,another')).toBe(CONTENT);
  });

  it('comes without a place to keep it, too', async () => {
    const file = await openGguf(new MemoryFiles(), MODEL, URL_OF_IT, () => {}, never);
    expect(await file.text()).toBe(CONTENT);
  });

  it('is thrown away where it is not what the catalogue names', async () => {
    const { opfs, open } = setUp();
    await expect(open(MODEL, 'data:,another')).rejects.toMatchObject({ code: 'model_integrity' });
    expect([...opfs.entries.keys()]).toEqual([]);
  });

  it.each<Step>(['getDirectoryHandle', 'getFileHandle', 'createSyncAccessHandle', 'write', 'flush', 'move'])(
    'says that the disk is full when it is at %s, keeps nothing half, and comes once there is room',
    async (step) => {
      const { opfs, open } = setUp();
      opfs.fault = { step, error: full };
      await expect(open()).rejects.toMatchObject({ code: 'storage_full' });
      opfs.fault = null;
      expect([...opfs.entries.values()].filter(({ bytes, locked }) => bytes.byteLength > 0 || locked)).toEqual([]);
      expect(await open()).toBe(CONTENT);
    },
  );

  it('gives the room back when the disk becomes full in the middle', async () => {
    for (const answer of [null, 0, 4_294_967_288]) {
      const { opfs, open } = setUp();
      Object.assign(opfs, { roomBytes: 5, full: answer });
      await expect(open()).rejects.toMatchObject({ code: 'storage_full' });
      expect([...opfs.entries.keys()]).toEqual([]);
    }
  });

  it('says that a stale file cannot be removed from a full disk', async () => {
    const { opfs, open } = setUp();
    const unhashed = { ...MODEL, sha256: null };
    await open(unhashed);
    opfs.fault = { step: 'removeEntry', error: full };
    await expect(open(unhashed, 'data:,another')).resolves.toBe(CONTENT);
    opfs.fault = { step: 'getFile', error: new DOMException('Lost.', 'NotReadableError') };
    await expect(open(unhashed)).rejects.toMatchObject({ code: 'model_unreadable' });
  });

  it('is removed when the disk has damaged it since', async () => {
    const { opfs, files, open } = setUp();
    await open();
    expect(await isGenuine(files, MODEL, never)).toBe(true);
    opfs.entries.get(NAME)?.bytes.fill(0);
    expect(await isGenuine(files, MODEL, never)).toBe(false);
    expect(await files.find(NAME)).toBeNull();
  });
});
