/** A real `llmesh witness` that is killed at any moment, by a log that shows it two pasts all the time. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { noteName } from '@llmesh/core/identity/note-name';
import { signCheckpoint } from '@llmesh/log/note/checkpoint';
import { noteKey, writeKey, type NoteSigner } from '@llmesh/log/note/key';
import { readNote } from '@llmesh/log/note/note';
import { proofOf, treeHash } from '@llmesh/log/testing/oracle';
import { readConflict, writeAddCheckpoint } from '@llmesh/log/witness/add-checkpoint';
import { startLlmesh, type Running } from '../testing/process.ts';

const ROUNDS = 2;
/** It is killed within this time of its first signature. */
const LIFE_MS = 60;

let folder: string;
let witness: Running | null = null;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'llmesh-witness-kill-'));
});
afterEach(async () => {
  witness?.strike('SIGKILL');
  await witness?.exited;
  rmSync(folder, { recursive: true });
});

const { peerId, publicKey, sign } = nodeIdentity(randomBytes(32));
const signer: NoteSigner = { key: noteKey(noteName(peerId), 'note', publicKey), sign };

/** A past of the log: its leaves. */
type Past = readonly Uint8Array[];
const more = (past: Past, count: number): Past => [...past, ...Array.from({ length: count }, () => randomBytes(8))];
const rootOf = (past: Past) => Buffer.from(treeHash(past)).toString('hex');

async function start(policy: string): Promise<string> {
  const args = [
    '--mesh',
    'http://127.0.0.1:9',
    '--listen',
    '127.0.0.1:0',
    '--policy',
    policy,
    '--data',
    folder,
    '--json',
  ];
  witness = startLlmesh('witness', ...args);
  const { url } = await witness.line((line) => line['ready'] === true);
  return String(url);
}

/** The status, and the size that it says instead. Rejects when the witness is dead. */
async function show(url: string, past: Past, oldSize: number): Promise<{ status: number; size: number | null }> {
  const checkpoint = { origin: signer.key.name, size: past.length, root: treeHash(past), extensions: [] };
  const note = readNote(Buffer.from(await signCheckpoint(checkpoint, signer, 1)))!;
  const proof = oldSize === 0 ? [] : proofOf(oldSize, past);
  const body = writeAddCheckpoint({ oldSize, proof, note });
  const response = await fetch(new URL('add-checkpoint', url), { method: 'POST', body });
  const answer = Buffer.from(await response.arrayBuffer());
  return { status: response.status, size: response.status === 409 ? readConflict(answer) : null };
}

test('a witness that is killed at any moment never signs a second past, and forgets none that it signed', async () => {
  const policy = path.join(folder, 'log.policy');
  writeFileSync(policy, `log ${writeKey(signer.key)}\nquorum none\n`);
  /** By size: the root that it has signed, as whoever asked has in hand. */
  const signed = new Map<number, string>();
  let kept: Past = [];
  let url = await start(policy);
  for (let round = 0; round < ROUNDS; round++) {
    let forks: readonly [Past, Past] = [more(kept, 1), more(kept, 2)];
    let killing = false;
    try {
      for (;;) {
        const old = kept;
        forks = [more(old, 1), more(old, 2)];
        const answers = await Promise.all(forks.map((past) => show(url, past, old.length)));
        if (!killing) setTimeout(() => witness!.strike('SIGKILL'), Math.random() * LIFE_MS);
        killing = true;
        expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
        kept = forks[answers.findIndex(({ status }) => status === 200)]!;
        signed.set(kept.length, rootOf(kept));
        const other = forks.find((past) => past !== kept)!;
        const onward = more(other, 3);
        expect((await show(url, onward, kept.length)).status).toBe(422);
      }
    } catch (thrown) {
      // It is dead, as it was to be.
      if (!(thrown instanceof TypeError)) throw thrown;
    }
    await witness!.exited;
    url = await start(policy);
    const unknown = more(kept, 9);
    const { size } = await show(url, unknown, unknown.length);
    // What it had signed when it was killed, though nobody may have heard of it: forks have different sizes.
    kept = [kept, ...forks].find((past) => past.length === size) ?? expect.fail(`It says ${size}.`);
    for (const [at, root] of signed) expect(rootOf(kept.slice(0, at))).toBe(root);
  }
  expect(signed.size).toBeGreaterThanOrEqual(ROUNDS);
});
