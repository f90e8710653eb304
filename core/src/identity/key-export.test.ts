import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { sha256 } from '@noble/hashes/sha2.js';
import { exportKey, importKey } from './key-export.ts';
import { randomBytes } from '../base/random-bytes.ts';

const signal = new AbortController().signal;
const quick = { signal, log2N: 10 };
const secret = randomBytes(32);

/** The text with some bytes of the blob changed and the checksum corrected. */
function rewritten(text: string, change: (blob: Uint8Array) => void): string {
  const [prefix = '', coded = ''] = text.split(':');
  const blob = (fromBase32(coded) ?? new Uint8Array()).slice(0, -4);
  change(blob);
  return `${prefix}:${toBase32(new Uint8Array([...blob, ...sha256(blob).subarray(0, 4)]))}`;
}

describe('an exported key', () => {
  it('comes back with its passphrase, at full cost, and never looks the same', async () => {
    const shares: number[] = [];
    const text = await exportKey(secret, 'correct horse', { signal, onProgress: (share) => shares.push(share) });
    expect(text).toMatch(/^llmesh-key-1:[a-z2-7]+$/);
    expect(fromBase32(text.split(':')[1] ?? '')?.[0]).toBe(17);
    expect(await importKey(text, 'correct horse', { signal })).toEqual(new Uint8Array(secret));
    expect(shares.at(-1)).toBe(1);
    expect(await exportKey(secret, 'any passphrase', quick)).not.toBe(await exportKey(secret, 'any passphrase', quick));
  });

  it('tolerates what happens to text on its way', async () => {
    const text = await exportKey(secret, 'passphrase 1', quick);
    const wrapped = text.replaceAll(/(.{30})/g, '$1\r\n   ');
    for (const copy of [
      ` ${text}\n`,
      wrapped,
      text.toUpperCase(),
      text.replaceAll(/(.{9})/g, '$1\u200b'),
      wrapped.replaceAll('\n', '\u00a0'),
    ]) {
      expect(await importKey(copy, 'passphrase 1', { signal })).toEqual(new Uint8Array(secret));
    }
  });

  it('takes the same passphrase from any keyboard', async () => {
    const text = await exportKey(secret, 'a caf\u00e9 au lait', quick);
    expect(await importKey(text, 'a cafe\u0301 au lait', { signal })).toEqual(new Uint8Array(secret));
  });

  it('tells a wrong passphrase from a damaged text', async () => {
    const text = await exportKey(secret, 'passphrase 1', quick);
    await expect(importKey(text, 'Passphrase 1', { signal })).rejects.toMatchObject({
      code: 'wrong_passphrase',
      message: expect.stringContaining('passphrase'),
    });
    const damaged = { code: 'key_unreadable', message: expect.stringContaining('key is incomplete') };
    await expect(importKey('', 'passphrase 1', { signal })).rejects.toMatchObject(damaged);
    await expect(importKey(text.slice(0, -1), 'passphrase 1', { signal })).rejects.toMatchObject(damaged);
    await expect(importKey(text.replace(/.$/, '1'), 'passphrase 1', { signal })).rejects.toMatchObject(damaged);
    await expect(importKey(text + text, 'passphrase 1', { signal })).rejects.toMatchObject(damaged);
    await expect(importKey('a'.repeat(10_000_000), 'passphrase 1', { signal })).rejects.toMatchObject(damaged);
    await expect(importKey(text.replace('key-1', 'key-2'), 'passphrase 1', { signal })).rejects.toMatchObject({
      code: 'version_mismatch',
    });
    for (const short of ['', 'passphrase1'])
      await expect(exportKey(secret, short, quick)).rejects.toMatchObject({
        code: 'wrong_passphrase',
        message: expect.stringContaining('12 characters'),
      });
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: 31 }), async (at, value) => {
        const i = 13 + (at % (text.length - 13));
        const letter = 'abcdefghijklmnopqrstuvwxyz234567'[value] ?? 'a';
        if (letter === text[i]) return;
        await expect(
          importKey(text.slice(0, i) + letter + text.slice(i + 1), 'passphrase 1', { signal }),
        ).rejects.toMatchObject(damaged);
      }),
    );
  });

  it('cannot make the computer that opens it spend memory without end', async () => {
    const text = await exportKey(secret, 'passphrase 1', quick);
    const greedy = [
      [31, 8, 1],
      [19, 8, 1],
      [10, 255, 1],
      [10, 8, 255],
      [0, 8, 1],
      [9, 8, 1],
    ] as const;
    for (const parameters of greedy) {
      const hostile = rewritten(text, (blob) => blob.set(parameters));
      await expect(importKey(hostile, 'passphrase 1', { signal })).rejects.toMatchObject({
        code: 'key_unreadable',
        message: expect.stringContaining('memory'),
      });
    }
    // Within the bounds the parameters are authenticated along.
    const cheaper = rewritten(text, (blob) => blob.set([11]));
    await expect(importKey(cheaper, 'passphrase 1', { signal })).rejects.toMatchObject({
      message: expect.stringContaining('passphrase'),
    });
  });

  it('stops when asked to', async () => {
    const before = new AbortController();
    before.abort();
    await expect(exportKey(secret, 'passphrase 1', { signal: before.signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    const during = new AbortController();
    const exporting = exportKey(secret, 'passphrase 1', {
      signal: during.signal,
      onProgress: (share) => share > 0.01 && during.abort(),
    });
    await expect(exporting).rejects.toMatchObject({ code: 'cancelled' });
  });
});
