import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { exportKey } from '@llmesh/core/identity/key-export';
import { openIdentity } from '../../node/identity-file.ts';
import { Running } from '../../testing/process.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'llmesh-identity-command-'));
const folder = (name: string) => path.join(root, name);
afterAll(() => rmSync(root, { recursive: true }));

async function identity(passphrase: string, ...args: string[]) {
  const running = new Running(['native-worker/bin/llmesh.mjs', 'identity', ...args, '--json'], {
    LLMESH_PASSPHRASE: passphrase,
  });
  const code = await running.exited;
  return { code, lines: running.lines, stderr: running.stderr };
}

describe('llmesh identity', () => {
  it('goes to another folder and is the same peer there', async () => {
    const { identity: self, close } = await openIdentity(folder('old'));
    await close();
    const exported = await identity('correct horse', 'export', '--data', folder('old'));
    expect(exported).toMatchObject({ code: 0, lines: [{ peerId: self.peerId }] });
    const text = String(exported.lines[0]?.['key']);
    writeFileSync(folder('my.key'), `${text}\n`);
    const imported = await identity('correct horse', 'import', folder('my.key'), '--data', folder('new'));
    expect(imported).toMatchObject({ code: 0, lines: [{ peerId: self.peerId }] });
    const shown = await identity('', 'show', '--data', folder('new'));
    expect(shown.lines).toEqual(imported.lines);
  });

  it('comes from a text with its passphrase alone, and takes the place of no other', async () => {
    // Cheap to guess, and as quick to read: what each step costs is not asked here.
    const secret = crypto.getRandomValues(new Uint8Array(SECRET_KEY_BYTES));
    const text = await exportKey(secret, 'correct horse', { signal: new AbortController().signal, log2N: 10 });
    const importTo = (name: string, passphrase = 'correct horse') =>
      identity(passphrase, 'import', text, '--data', folder(name));
    expect(await importTo('empty', 'wrong')).toMatchObject({
      code: 1,
      lines: [{ error: { code: 'wrong_passphrase', message: expect.stringContaining('passphrase') } }],
    });
    expect(await importTo('empty')).toMatchObject({ code: 0 });
    // The one that is there already is no reason to complain.
    expect(await importTo('empty')).toMatchObject({ code: 0 });

    await (await openIdentity(folder('third'))).close();
    expect(await importTo('third')).toMatchObject({
      code: 1,
      lines: [{ error: { message: expect.stringContaining('another identity') } }],
    });
  });

  it('says what to do when there is none, no passphrase and no file', async () => {
    expect(await identity('', 'show', '--data', folder('none'))).toMatchObject({
      code: 1,
      lines: [{ error: { message: expect.stringContaining('llmesh worker') } }],
    });
    await (await openIdentity(folder('mine'))).close();
    expect(await identity('', 'export', '--data', folder('mine'))).toMatchObject({
      code: 1,
      lines: [{ error: { message: expect.stringContaining('LLMESH_PASSPHRASE') } }],
    });
    expect(await identity('x', 'import', folder('no-file'))).toMatchObject({
      code: 1,
      lines: [{ error: { message: expect.stringContaining('ENOENT') } }],
    });
  });
});
