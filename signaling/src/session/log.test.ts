/** The log on a real control plane: served, told, witnessed by peers over their connection. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { signOrder } from '@llmesh/core/ledger/order';
import { readEvent } from '@llmesh/core/ledger/event';
import { toBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import { noteName } from '@llmesh/core/identity/note-name';
import { noteKey, writeKey } from '@llmesh/log/note/key';
import { LogReader } from '@llmesh/log/read/log-reader';
import { checkTlogProof, readTlogProof } from '@llmesh/log/read/tlog-proof';
import { readPolicy } from '@llmesh/log/witness/policy';
import { Witness, type Witnessed } from '@llmesh/log/witness/witness';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { MeshPeer } from '../testing/clients.ts';
import { fundedFolder } from '../testing/funded-folder.ts';

const never = new AbortController().signal;
const ann = nodeIdentity(randomBytes(32));
let folder: string;
let plane: ControlPlane | null = null;
const peers: MeshPeer[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'llmesh-log-'));
  await fundedFolder(path.join(folder, 'data'), [ann]);
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.ws.terminate();
  await plane?.close();
  plane = null;
  rmSync(folder, { recursive: true });
});

async function start(options: { witnesses?: string; credits?: 'off' | 'priority' } = {}): Promise<ControlPlane> {
  plane = await startControlPlane({
    ...{ port: 0, host: '127.0.0.1', webFolder: folder, dataFolder: path.join(folder, 'data'), joinWorkBits: 0 },
    ...options,
  });
  return plane;
}

/** Ann, who has credits. */
async function join(port: number): Promise<{ peer: MeshPeer; issuer: PeerId }> {
  const peer = new MeshPeer(port, ann);
  peers.push(peer);
  await peer.join();
  return { peer, issuer: (await peer.says('welcome')).issuer };
}

/** An event: she takes an alias. */
async function happen(peer: MeshPeer, issuer: PeerId): Promise<void> {
  const order = await signOrder({ kind: 'alias', alias: 'The otter' }, { issuer, ms: Date.now() }, peer.identity);
  peer.send({ type: 'order', requestId: 7, order: toBase32(order) });
  await peer.says('filed');
}

const fetchLog = (url: string) => async (file: string) => {
  const response = await fetch(new URL(`/log/${file}`, url));
  return response.status === 200 ? new Uint8Array(await response.arrayBuffer()) : null;
};

async function policyOf(url: string) {
  return readPolicy((await fetchLog(url)('policy')) ?? new Uint8Array());
}

describe('the log of a mesh', () => {
  it('is served with its policy, and each event with its proof', async () => {
    const { local, port } = await start();
    const { peer, issuer } = await join(port);
    await happen(peer, issuer);
    const policy = await policyOf(local);
    const reader = new LogReader({ policy, fetch: fetchLog(local) });
    await vi.waitFor(async () => expect(await reader.checkpoint(never)).toMatchObject({ final: true }), {
      timeout: 10_000,
    });
    const { checkpoint } = await reader.checkpoint(never);
    expect(checkpoint).toMatchObject({ origin: noteName(issuer) });
    const leaf = await (await reader.tree(checkpoint, never)).leaf(checkpoint.size - 1);
    expect(readEvent(leaf)).toMatchObject({ kind: 'order' });
    const proof = await fetch(new URL(`/api/proof?index=${checkpoint.size - 1}`, local));
    expect(proof.headers.get('content-disposition')).toContain('.tlog-proof');
    const read = readTlogProof(new Uint8Array(await proof.arrayBuffer()))!;
    expect(checkTlogProof(read, leaf, policy)).toMatchObject({ final: true });
  });

  it('has nothing at other paths, and says what there is', async () => {
    const { local, port } = await start();
    const { peer, issuer } = await join(port);
    await happen(peer, issuer);
    await vi.waitFor(async () => expect(await fetchLog(local)('checkpoint')).not.toBeNull(), { timeout: 10_000 });
    for (const at of [
      ...['/log/', '/log/signed', '/log/tile/0/999', '/log/tile/0/000.p/255', '/log/tile/%2e%2e/%2e%2e/control.key'],
      ...['/log/tile/0/000.p/0', '/log/tile/64/000', '/api/proof?index=999999', '/log/tile/entries/000'],
    ]) {
      const response = await fetch(new URL(at, local));
      expect([at, response.status]).toEqual([at, 404]);
      expect((await response.json()) as object).toMatchObject({ error: { code: 'not_found' } });
    }
    expect((await fetch(new URL('/api/proof?index=1e3', local))).status).toBe(400);
    const { checkpoint } = await new LogReader({ policy: await policyOf(local), fetch: fetchLog(local) }).checkpoint(
      never,
    );
    const tile = await fetch(new URL(`/log/tile/entries/000.p/${checkpoint.size}`, local));
    expect(tile.headers.get('cache-control')).toContain('immutable');
    expect(tile.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('is not there where there are no credits', async () => {
    const { local, port } = await start({ credits: 'off' });
    expect((await fetch(new URL('/log/checkpoint', local))).status).toBe(404);
    const { peer } = await join(port);
    // Whoever was here when there were some hears that there are none.
    expect(await peer.says('account')).toMatchObject({ mode: 'off' });
    peer.send({ type: 'witness', size: 0 });
    expect(await peer.says('refused')).toMatchObject({ code: 'unsupported' });
  });

  it('is told to everybody who comes, and survives a restart', async () => {
    const first = await start();
    const { peer, issuer } = await join(first.port);
    await happen(peer, issuer);
    await vi.waitFor(async () => expect(await fetchLog(first.local)('checkpoint')).not.toBeNull(), { timeout: 10_000 });
    const before = Buffer.from((await fetchLog(first.local)('checkpoint'))!).toString();
    await first.close();
    const again = await start();
    const { peer: later } = await join(again.port);
    expect(await later.says('checkpoint')).toMatchObject({ note: before, final: true, from: 0, proof: [] });
  });
});

describe('a peer that witnesses', () => {
  /** Signs as `llmesh witness` does. */
  function witnessOf(peer: MeshPeer, url: string) {
    const state = new Map<string, Witnessed>();
    const { identity } = peer;
    const key = noteKey(noteName(identity.peerId), 'cosignature', identity.publicKey);
    const sign = async (message: { note: string; from: number; proof: string[] }) => {
      const { logs } = await policyOf(url);
      const witness = new Witness({
        signers: [{ key, sign: (bytes) => identity.sign(bytes) }],
        keysOf: () => logs.map((log) => log.key),
        state: {
          get: (origin) => Promise.resolve(state.get(origin) ?? null),
          put: (origin, _before, next) => Promise.resolve(state.set(origin, next).size > 0),
        },
        nowS: () => Math.floor(Date.now() / 1_000),
      });
      const lines = message.proof.map((hash) => `${hash}\n`).join('');
      return witness.addCheckpoint(Buffer.from(`old ${message.from}\n${lines}\n${message.note}`));
    };
    return { key, sign };
  }

  it('makes a checkpoint final where the policy asks for it, each time with the proof that it continues', async () => {
    const identity = nodeIdentity(randomBytes(32));
    const key = noteKey(noteName(identity.peerId), 'cosignature', identity.publicKey);
    const witnesses = path.join(folder, 'policy');
    writeFileSync(witnesses, `witness p ${writeKey(key)}\nquorum p\n`);
    const { local, port } = await start({ witnesses });
    const { peer: other, issuer } = await join(port);
    const peer = new MeshPeer(port, identity);
    peers.push(peer);
    await peer.join();
    await happen(other, issuer);
    peer.send({ type: 'witness', size: 0 });
    const { sign } = witnessOf(peer, local);
    for (const round of [1, 2]) {
      const news = await peer.next(
        'a checkpoint to sign',
        (message): message is Extract<typeof message, { type: 'checkpoint' }> =>
          message?.type === 'checkpoint' && !message.final,
      );
      expect(news.from > 0).toBe(round > 1);
      const size = Number(news.note.split('\n')[1]);
      const answer = await sign(news);
      expect(answer.status).toBe(200);
      peer.send({ type: 'cosign', size, line: answer.body.trim() });
      await vi.waitFor(
        async () =>
          expect(Buffer.from((await fetchLog(local)('checkpoint')) ?? []).toString()).toContain(`\n${size}\n`),
        { timeout: 10_000 },
      );
      await happen(other, issuer);
    }
  });

  it('is told what is wrong with its signature, and slowed down', async () => {
    const { port } = await start();
    const { peer, issuer } = await join(port);
    await happen(peer, issuer);
    peer.send({ type: 'cosign', size: 1, line: '— nobody c2ln' });
    // It has not said that it is a witness.
    expect(await peer.says('refused')).toMatchObject({ code: 'bad_message' });
    peer.send({ type: 'witness', size: 0 });
    const { note } = await peer.says('checkpoint');
    for (let i = 0; i < 30; i++)
      peer.send({ type: 'cosign', size: Number(note.split('\n')[1]), line: '— nobody c2ln' });
    await peer.next(
      'a limit',
      (message): message is NonNullable<typeof message> =>
        message?.type === 'refused' && message.code === 'rate_limited',
    );
    expect(peer.ws.readyState).toBe(peer.ws.OPEN);
  });
});
