import { expect } from '@playwright/test';
import { makeCredentials } from '@llmesh/core/transport/seal/credentials';
import type { ErrorCode, MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { openControl } from '@llmesh/core/open-control';
import { openPaths, peerJsOptions } from '@llmesh/core/open-paths';
import { PeerJsTransport } from '@llmesh/core/transport/peerjs-transport';
import type { Link, Transport } from '@llmesh/core/transport/transport';
import { nodeHost } from 'llmesh/node/mesh-node';
import { LyingSignalling, type Signalled } from '../src/lying-signalling.ts';
import { ManInTheMiddle } from '../src/man-in-the-middle.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { test } from '../src/visit.ts';

let mesh: TestMesh;
let liar: LyingSignalling;
const opened: { close(): void }[] = [];
test.beforeAll(async () => {
  mesh = await startMesh();
});
test.afterAll(() => mesh.stop());
test.beforeEach(async () => {
  liar = await LyingSignalling.start(mesh.url);
});
test.afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  liar.close();
});

interface Peer {
  transport: Transport;
  /** The reasons why strangers' links were refused. */
  refusals: MeshError[];
  accepted: Link[];
  /** The messages that came on those links. */
  heard: string[];
}

/** A real peer, whose signalling server is the liar. `sealed`: whether its links are, as all real ones; WebRTC alone if not. */
async function join(sealed = true): Promise<Peer> {
  const host = nodeHost(new URL(mesh.url));
  const identity = host.newIdentity();
  const control = openControl(host, new URL(mesh.url), identity);
  const refusals: MeshError[] = [];
  let transport: Transport;
  if (sealed) {
    const credentials = await makeCredentials(identity);
    const refused = (_peer: PeerId, error: MeshError) => refusals.push(error);
    const self = identity.peerId;
    transport = openPaths({ host, address: liar.url, self, credentials, control, refused }).webRtc;
  } else {
    const raw = new PeerJsTransport({ ...peerJsOptions(host, liar.url), self: identity.peerId });
    control.on('welcome', ({ iceServers, signalToken }) => raw.start(iceServers, signalToken));
    transport = raw;
  }
  const accepted: Link[] = [];
  const heard: string[] = [];
  transport.accept = (link) => {
    accepted.push(link);
    link.receive = (bytes) => heard.push(new TextDecoder().decode(bytes));
  };
  control.start();
  opened.push(transport, control);
  await transport.reachable(AbortSignal.timeout(20_000));
  return { transport, refusals, accepted, heard };
}

const dial = (from: Peer, to: Peer, patienceMs = 20_000) =>
  from.transport.dial(to.transport.self, AbortSignal.timeout(patienceMs));

/** Proves that a new link between them carries messages to the right peer. */
async function expectTalk(a: Peer, b: Peer, patienceMs = 15_000): Promise<void> {
  const question = `how are you, ${newPeerId()}?`;
  const near = await dial(a, b, patienceMs);
  near.send(new TextEncoder().encode(question));
  await expect.poll(() => b.heard.at(-1), { timeout: patienceMs }).toBe(question);
  for (const far of b.accepted) expect(far.peer).toBe(a.transport.self);
}

/** Proves the same in the end: on a busy machine a try of WebRTC hangs now and then. */
async function expectTalkAtLast(a: Peer, b: Peer): Promise<void> {
  await expect(() => expectTalk(a, b, 8_000)).toPass({ timeout: 40_000 });
}

/** Dials until a connection stands that the seal refuses: WebRTC's own fail now and then. */
async function expectRefused(a: Peer, b: Peer, code: ErrorCode): Promise<void> {
  await expect(async () => {
    await expect(dial(a, b, 5_000)).rejects.toMatchObject({ code });
  }).toPass({ timeout: 40_000 });
}

test('a server that sits in the middle reads a link that is not sealed, and gets nothing of one that is', async () => {
  const [rawA, rawB, a, b] = [await join(false), await join(false), await join(), await join()];
  const man = new ManInTheMiddle(liar);
  opened.push(man);
  await expect(() => expectTalk(rawA, rawB, 3_000)).toPass({ timeout: 40_000 });
  expect(man.read.map((bytes) => new TextDecoder().decode(bytes))).toContain(rawB.heard.at(-1));

  man.read.length = 0;
  await expectRefused(a, b, 'seal_failed');
  await expect.poll(() => b.refusals.length, { timeout: 15_000 }).toBeGreaterThan(0);
  expect(b.accepted).toEqual([]);
  // Both connections stood and he handed the handshake on: it is the seal that refused.
  expect(man.read.length).toBeGreaterThanOrEqual(2);
  await man.settled();
});

test('a server that swaps fingerprints gets no link at all', async () => {
  const [a, b] = [await join(), await join()];
  liar.lie = ({ payload, ...message }) => {
    const sdp = payload.sdp && {
      ...payload.sdp,
      sdp: payload.sdp.sdp.replaceAll(/^(a=fingerprint:sha-256 ).*$/gm, `$1${'AB:'.repeat(31)}CD\r`),
    };
    liar.deliver(message.dst, { ...message, payload: sdp === undefined ? payload : { ...payload, sdp } });
  };
  await expect(dial(a, b, 8_000)).rejects.toMatchObject({ code: expect.stringMatching(/connect_failed|cancelled/) });
  expect([a.accepted, b.accepted]).toEqual([[], []]);
  liar.lie = (message) => liar.deliver(message.dst, message);
  await expectTalkAtLast(a, b);
});

test('a server that swaps peer ids gets the caller no link to another than it called', async () => {
  const [a, b, stranger] = [await join(), await join(), await join()];
  const [called, other] = [b.transport.self, stranger.transport.self];
  liar.lie = (message) => {
    if (message.dst === called) liar.deliver(other, message);
    else if (message.src === other) liar.deliver(message.dst, { ...message, src: called });
  };
  await expectRefused(a, b, 'wrong_peer');
  expect([b.accepted, stranger.accepted]).toEqual([[], []]);
  await expect.poll(() => stranger.refusals.length).toBeGreaterThan(0);
});

test('a server that names another as the caller gets the called one no link in that name', async () => {
  const [a, b] = [await join(), await join()];
  const invented = newPeerId();
  liar.lie = (message) => {
    if (message.src === a.transport.self) liar.deliver(message.dst, { ...message, src: invented });
    else if (message.dst === invented) liar.deliver(a.transport.self, message);
  };
  // The caller has the one that it called at the other end, who takes it for somebody else until the proof.
  await expect(() => dial(a, b, 5_000)).toPass({ timeout: 40_000 });
  await expect.poll(() => b.refusals.at(-1)).toMatchObject({ code: 'wrong_peer' });
  expect(b.accepted).toEqual([]);
});

test('a server that repeats and reorders what is said can cut links and do no more', async () => {
  const [a, b] = [await join(), await join()];
  const said: Signalled[] = [];
  liar.lie = (message) => {
    said.push(message);
    // Each message is repeated behind the one that follows it; then come all that were ever sent, backwards.
    for (const one of said.toReversed()) liar.deliver(one.dst, one);
  };
  await dial(a, b).then(
    (link) => link.close(),
    (error: unknown) => expect(error).toMatchObject({ name: 'MeshError' }),
  );
  liar.lie = (message) => liar.deliver(message.dst, message);
  await expectTalkAtLast(a, b);
  // A link that stands does not fall when everything is said again.
  const standing = await dial(a, b);
  let fell = false;
  standing.closed = () => (fell = true);
  for (let round = 0; round < 5; round++) for (const one of said) liar.deliver(one.dst, one);
  await expectTalkAtLast(a, b);
  expect(fell).toBe(false);
});

test('peers that offer connections and never open them leave room for others', async () => {
  const [a, b] = [await join(), await join()];
  const offers: Signalled[] = [];
  liar.lie = (message) => {
    if (message.type === 'OFFER') offers.push(message);
    liar.deliver(message.dst, message);
  };
  await expectTalkAtLast(a, b);
  const { payload, ...rest } = offers[0] ?? raise('nothing was offered');
  for (let peer = 0; peer < 5; peer++) {
    const src = newPeerId();
    for (let i = 0; i < 30; i++) {
      liar.deliver(b.transport.self, { ...rest, src, payload: { ...payload, connectionId: `dc_${peer}_${i}` } });
    }
  }
  // This is sooner than those are given up.
  await expect(() => expectTalk(a, b, 6_000)).toPass({ timeout: 14_000 });
});

test(
  'a server that floods a peer with offers and candidates costs it little, and stops nobody for long',
  { tag: '@wide' },
  async () => {
    const [a, b] = [await join(), await join()];
    const said: Signalled[] = [];
    liar.lie = (message) => {
      said.push(message);
      liar.deliver(message.dst, message);
    };
    await expectTalkAtLast(a, b);
    const offer = said.find(({ type }) => type === 'OFFER') ?? raise('nothing was offered');
    const candidate = said.find(({ type }) => type === 'CANDIDATE') ?? raise('no candidate was said');
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 2_000; i++) {
      const [src, connectionId] = [newPeerId(), `dc_${i}`];
      liar.deliver(b.transport.self, { ...offer, src, payload: { ...offer.payload, connectionId } });
      for (let n = 0; n < 10; n++) {
        liar.deliver(b.transport.self, {
          ...candidate,
          src,
          payload: { ...candidate.payload, connectionId: `${connectionId}_${n}` },
        });
      }
    }
    await expectTalkAtLast(a, b);
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(200);
  },
);

function raise(why: string): never {
  throw new Error(why);
}
