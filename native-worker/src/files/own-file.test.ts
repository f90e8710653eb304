/** Links, pipes and folders that lie in the data folder in place of our files. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { receipt } from '@llmesh/core/suites/receipt-keeper';
import { closeToOthers } from './data-folder.ts';
import { identityFile, keepIdentityKey, openIdentity, readIdentityKey } from '../node/identity-file.ts';
import { openFresh, readOwn } from './own-file.ts';
import { RECEIPTS_FILE, ReceiptFile } from '../node/receipt-file.ts';

const KEY = new Uint8Array(32).fill(7);
let folder: string;
let elsewhere: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-own-'));
  elsewhere = path.join(folder, 'elsewhere');
  writeFileSync(elsewhere, 'not ours');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const pipe = (file: string) => expect(spawnSync('mkfifo', [file]).status).toBe(0);

describe.skipIf(process.platform === 'win32')('in a data folder', () => {
  it.each([
    ['a link', (file: string) => symlinkSync(elsewhere, file)],
    ['a pipe', pipe],
    ['a folder', (file: string) => mkdirSync(file)],
  ])('%s is not a file of ours: it is said, and nothing waits for it', async (_, put) => {
    for (const name of ['identity.key', 'identity.lock', RECEIPTS_FILE]) put(path.join(folder, name));
    await expect(readOwn(path.join(folder, 'identity.lock'), 64)).rejects.toThrow();
    await expect(readIdentityKey(folder)).rejects.toMatchObject({ code: 'identity_unusable' });
    expect(() => new ReceiptFile(folder)).toThrow(expect.objectContaining({ code: 'storage_full' }));
    rmSync(identityFile(folder), { recursive: true });
    const { temporary, close } = await openIdentity(folder);
    expect(temporary).toContain(folder);
    await close();
    expect(readFileSync(elsewhere, 'utf8')).toBe('not ours');
  });

  it('a link in place of a file that is written again is replaced, and what it leads to stays', async () => {
    symlinkSync(elsewhere, path.join(folder, `${RECEIPTS_FILE}.new`));
    await new ReceiptFile(folder).close();
    symlinkSync(elsewhere, path.join(folder, 'draft'));
    await (await openFresh(path.join(folder, 'draft'))).close();
    expect(readFileSync(elsewhere, 'utf8')).toBe('not ours');
    expect(statSync(path.join(folder, RECEIPTS_FILE)).mode & 0o777).toBe(0o600);
  });

  it('receipts are there again when it was deleted with all in it', async () => {
    const data = path.join(folder, 'data');
    mkdirSync(data);
    const receipts = new ReceiptFile(data);
    const [before, after] = [receipt(), receipt()];
    await receipts.keep(before);
    rmSync(data, { recursive: true });
    await receipts.keep(after);
    await receipts.close();
    const again = new ReceiptFile(data);
    expect((await again.list()).map(({ leaseId }) => leaseId)).toEqual([before.leaseId, after.leaseId]);
    await again.close();
  });

  it('others see nothing, once it is known to be one', async () => {
    const data = path.join(folder, 'data');
    await keepIdentityKey(data, KEY);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    rmSync(data, { recursive: true });
    mkdirSync(data, { mode: 0o755 });
    expect(await closeToOthers(data, identityFile(data))).toBeNull();
    await keepIdentityKey(data, KEY);
    expect(await closeToOthers(data, identityFile(data))).toContain(data);
    expect(statSync(data).mode & 0o777).toBe(0o700);
    expect(await closeToOthers(data, identityFile(data))).toBeNull();
    expect(existsSync(identityFile(data))).toBe(true);
  });
});
