import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import type { NetworkId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { identityIn, verifyIn } from '@llmesh/core/identity/network-bound';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { signOrder } from '@llmesh/core/ledger/order';
import { networkIdOf, readGenesis, signGenesis, type Genesis, type GenesisTerms } from '@llmesh/core/networks/genesis';
import type { Challenge } from '@llmesh/core/wire/control-protocol';
import { readLeases } from '@llmesh/core/receipts/lease';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from './server.ts';
import { advertised, MeshPeer, newIdentity, TINY } from './testing/clients.ts';

const founder = nodeIdentity(randomBytes(32));
const terms: GenesisTerms = {
  name: 'StorageNet',
  kinds: ['chat'],
  parameters: new Map(),
  credit: { name: 'STORE', symbol: 'STR', uptime: 40, tasks: 40, governance: 20 },
  witnesses: { keys: [], quorum: 0 },
  logic: null,
  isPrivate: false,
  foundedMs: 1_800_000_000_000,
};
const planes: ControlPlane[] = [];
const [genesis, other] = (
  await Promise.all([signGenesis(terms, founder), signGenesis({ ...terms, name: 'OtherNet' }, founder)])
).map((bytes) => readGenesis(bytes)!) as [Genesis, Genesis];
const { network } = genesis;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'llmesh-network-'));
});

afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
  await rm(folder, { recursive: true, force: true });
});

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const base = { port: 0, host: '127.0.0.1', webFolder: 'nowhere', joinWorkBits: 0 };
  const plane = await startControlPlane({ ...base, genesis, ...options });
  planes.push(plane);
  return plane;
}

/** A peer that signs in this network, and has just heard the challenge of its server. */
async function challenged(port: number, signsIn: NetworkId | null, named: NetworkId | null = null) {
  const peer = new MeshPeer(port);
  await peer.opened();
  peer.hello({ network: named });
  const { network: says, ...plain } = await peer.says('challenge');
  const challenge: Challenge = signsIn === null ? plain : { ...plain, network: signsIn };
  return { peer, challenge, says };
}

async function joined(port: number, signsIn: NetworkId): Promise<MeshPeer> {
  const { peer, challenge } = await challenged(port, signsIn);
  await peer.prove(challenge);
  await peer.says('welcome');
  return peer;
}

describe('a control plane with a genesis', () => {
  test('names its network in the challenge, and lets in who signs in it', async () => {
    const { port } = await start();
    const { peer, challenge, says } = await challenged(port, network, network);
    expect(says).toBe(network);
    await peer.prove(challenge);
    expect(await peer.says('welcome')).toMatchObject({ type: 'welcome' });
  });

  test('turns away before any work who is of another network, and older programs, and says why', async () => {
    const { port } = await start();
    const peer = new MeshPeer(port);
    await peer.opened();
    peer.hello({ network: other.network });
    expect(await peer.says('refused')).toMatchObject({
      code: 'control_refused',
      message: expect.stringContaining(network),
    });
    const older = new MeshPeer(port);
    await older.opened();
    older.hello();
    expect(await older.says('refused')).toMatchObject({ code: 'version_mismatch' });
  });

  test.each([
    ['in no network', null],
    ['in another one', other.network],
  ])('does not take a proof that was signed %s', async (_where, signsIn) => {
    const { port } = await start();
    const { peer, challenge } = await challenged(port, signsIn);
    await peer.prove(challenge);
    expect(await peer.says('refused')).toMatchObject({ code: 'control_refused' });
  });

  test('two networks on one machine list no peer of each other, and a lease or order of one is worth nothing in the other', async () => {
    const [here, there] = await Promise.all([start(), start({ genesis: other })]);
    const [asker, provider, stranger] = await Promise.all([
      joined(here.port, network),
      joined(here.port, network),
      joined(there.port, other.network),
    ]);
    provider.send({ type: 'advert', models: [advertised()], slots: 1, certificate: null });
    await provider.settled();
    const matched = await asker.match(TINY);
    expect(matched.candidates.map(({ peerId }) => peerId)).toEqual([provider.id]);
    expect((await stranger.match(TINY)).candidates).toEqual([]);
    const lease = fromBase32(matched.lease!)!;
    expect(readLeases(lease, verifyIn({ network }, nodeVerify))).toMatchObject({ requester: asker.id });
    expect(readLeases(lease, verifyIn({ network: other.network }, nodeVerify))).toBeNull();
    expect(readLeases(lease, nodeVerify)).toBeNull();
    const issuer = readLeases(lease, () => true)!.issuer;
    const signIn = async (where: NetworkId) => {
      const head = { issuer, ms: Date.now() };
      return toBase32(
        await signOrder({ kind: 'alias', alias: 'x' }, head, identityIn({ network: where }, newIdentity())),
      );
    };
    asker.send({ type: 'order', requestId: 5, order: await signIn(other.network) });
    expect(await asker.says('refused')).toMatchObject({ requestId: 5, code: 'order_refused', message: /signature/ });
  });

  test('begins with the parameters and the emission of its genesis, in the first event of its log', async () => {
    const credit = { ...terms.credit, uptime: 0, tasks: 80 };
    const record = await signGenesis({ ...terms, credit, parameters: new Map([['allowance', 9_000_000]]) }, founder);
    const own = readGenesis(record)!;
    const { port } = await start({ genesis: own });
    const peer = await joined(port, own.network);
    // It hears of its allowance once that is written.
    let { allowance } = await peer.says('account');
    while (allowance === 0) ({ allowance } = await peer.says('account'));
    expect(allowance).toBe(9_000_000);
    const credits = (await (await fetch(`http://127.0.0.1:${port}/api/credits`)).json()) as {
      parameters: { name: string; value: number }[];
      uptimePerHour: number;
    };
    expect(credits.parameters.find(({ name }) => name === 'allowance')?.value).toBe(9_000_000);
    expect(credits.uptimePerHour).toBe(0);
    const shown = (await (await fetch(`http://127.0.0.1:${port}/api/network`)).json()) as { genesis: string };
    expect(networkIdOf(fromBase32(shown.genesis)!)).toBe(own.network);
  });

  test('keeps its network in its data folder for good, and takes no other in there', async () => {
    const first = await start({ dataFolder: folder });
    await first.close();
    const again = await start({ dataFolder: folder, genesis: null });
    expect((await challenged(again.port, network)).says).toBe(network);
    await again.close();
    await expect(start({ dataFolder: folder, genesis: other })).rejects.toMatchObject({ code: 'identity_unusable' });
  });

  test('does not move into the data folder of a mesh that began without a genesis', async () => {
    await (await start({ dataFolder: folder, genesis: null })).close();
    await expect(start({ dataFolder: folder })).rejects.toThrow(/without a genesis/);
  });
});

test('a mesh without a genesis takes in older programs, and nobody who wants a network', async () => {
  const { port } = await start({ genesis: null });
  const older = new MeshPeer(port);
  await older.join();
  await older.says('welcome');
  expect((await challenged(port, null)).says).toBeUndefined();
  const member = new MeshPeer(port);
  await member.opened();
  member.hello({ network });
  expect(await member.says('refused')).toMatchObject({ code: 'control_refused' });
});
