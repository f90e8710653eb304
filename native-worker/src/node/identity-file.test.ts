import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signed, verify } from '@llmesh/core/identity/identity';
import { identityFile, keepIdentityKey, openIdentity, readIdentityKey } from './identity-file.ts';

const onUnix = process.platform !== 'win32';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('the identity of a data folder', () => {
  it('is made once, signs, and is there again the next time', async () => {
    const first = await openIdentity(path.join(folder, 'new'));
    const message = signed('hello', new Uint8Array([1, 2, 3]));
    expect(verify(first.identity.publicKey, message, await first.identity.sign(message))).toBe(true);
    expect(first.temporary).toBeNull();
    await first.close();
    await first.close();
    const second = await openIdentity(path.join(folder, 'new'));
    expect(second.identity.peerId).toBe(first.identity.peerId);
    await second.close();
    expect(readdirSync(path.join(folder, 'new'))).toEqual(['identity.key']);
  });

  it.runIf(onUnix)('is a file for its owner alone', async () => {
    await (await openIdentity(folder)).close();
    expect(statSync(identityFile(folder)).mode & 0o777).toBe(0o600);
    expect(readFileSync(identityFile(folder), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it.runIf(onUnix)('is refused while others can read it, saying how to mend that', async () => {
    await (await openIdentity(folder)).close();
    for (const mode of [0o640, 0o604, 0o622]) {
      chmodSync(identityFile(folder), mode);
      await expect(openIdentity(folder)).rejects.toThrow(`chmod 600 '${identityFile(folder)}'`);
    }
    chmodSync(identityFile(folder), 0o600);
    await (await openIdentity(folder)).close();
  });

  it('is never overwritten, damaged or not', async () => {
    for (const damaged of ['', 'f'.repeat(63), `${'f'.repeat(64)}\nf`, 'g'.repeat(64), 'f'.repeat(9_999)]) {
      writeFileSync(identityFile(folder), damaged, { mode: 0o600 });
      await expect(openIdentity(folder)).rejects.toMatchObject({ message: expect.stringContaining('is damaged') });
      expect(await keepIdentityKey(folder, new Uint8Array(32))).toBe(false);
      expect(readFileSync(identityFile(folder), 'utf8')).toBe(damaged);
    }
  });

  it('is one when several start at once, and one of them has it', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => openIdentity(folder)));
    expect(all.filter((one) => one.temporary === null)).toHaveLength(1);
    expect(new Set(all.map((one) => one.identity.peerId)).size).toBe(8);
    for (const one of all) await one.close();
    expect(readdirSync(folder)).toEqual(['identity.key']);
  });

  it('is free again when its holder is gone without a word', async () => {
    const first = await openIdentity(folder);
    await first.close();
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    // A holder that is gone; a torn lock; and, where the system knows start times, a process id that was used again.
    const left = [`${pid} 1\n`, `${pid} \n`, '', ...(process.platform === 'linux' ? [`${process.pid} 1\n`] : [])];
    for (const lock of left) {
      writeFileSync(path.join(folder, 'identity.lock'), lock);
      const again = await openIdentity(folder);
      expect(again.identity.peerId).toBe(first.identity.peerId);
      await again.close();
    }
  });

  it('is a fresh one where nothing can be kept', async () => {
    const file = path.join(folder, 'no-folder');
    writeFileSync(file, '');
    const opened = await openIdentity(path.join(folder, 'no-folder'));
    expect(opened.temporary).toContain('No identity can be kept');
  });

  it('is null before there is one', async () => {
    expect(await readIdentityKey(folder)).toBeNull();
  });
});
