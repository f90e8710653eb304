/** PeerServer as the mesh runs it, with clients that are real sockets and speak as PeerJS does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isPeerId, newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { CLOSE } from '../sockets/bounded-socket.ts';
import { startControlPlane, type ControlPlane } from '../server.ts';
import { MAX_SIGNAL_BYTES } from './signal-guard.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { MeshPeer, SignalPeer } from '../testing/clients.ts';
import { GRACE_MS } from './signal-passes.ts';

let plane: ControlPlane;
const clock = new ManualClock();
beforeEach(async () => {
  plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: 'nowhere', joinWorkBits: 0, clock });
});
afterEach(() => plane.close());

/** A peer that proved its key on `/mesh`, and the token that it got for it. */
async function prove(identity?: MeshPeer['identity']) {
  const mesh = new MeshPeer(plane.port, identity);
  await mesh.join();
  const { signalToken: token } = await mesh.says('welcome');
  return { mesh, id: mesh.id, token };
}

async function open(who?: { id: PeerId; token: string }): Promise<SignalPeer> {
  const peer = new SignalPeer(plane.port, who ?? (await prove()));
  await peer.says('OPEN');
  return peer;
}

const status = (who: { id?: PeerId; token?: string }) => new SignalPeer(plane.port, who).opened();

const offer = (to: SignalPeer, label = 'x') => ({
  type: 'OFFER',
  dst: to.id,
  payload: { sdp: { type: 'offer', sdp: 'v=0' }, type: 'data', connectionId: 'dc_1', label, reliable: true },
});

/** Both still reach each other. */
async function expectTalk(a: SignalPeer, b: SignalPeer): Promise<void> {
  a.send(offer(b));
  expect(await b.says('OFFER')).toMatchObject({ src: a.id, dst: b.id, payload: { connectionId: 'dc_1' } });
  b.send({ ...offer(a), type: 'ANSWER' });
  expect(await a.says('ANSWER')).toMatchObject({ src: b.id });
}

test('two peers exchange an offer and an answer; the sender is who the connection says', async () => {
  const [a, b] = [await open(), await open()];
  await expectTalk(a, b);
  a.send({ ...offer(b), src: newPeerId() });
  expect(await b.says('OFFER')).toMatchObject({ src: a.id });
  expect(await (await fetch(`http://127.0.0.1:${plane.port}/metrics`)).text()).toContain(
    'llmesh_signalling_messages_total{type="OFFER"} 2',
  );
});

test('an offer to nobody expires', async () => {
  const a = await open();
  const absent = newPeerId();
  a.send({ ...offer(a), dst: absent });
  expect(await a.says('EXPIRE')).toMatchObject({ src: absent, dst: a.id });
});

describe('an id is for whoever proved its key', () => {
  test('not without a token, with an invented one, or with that of another', async () => {
    const [owner, thief] = [await prove(), await prove()];
    expect(await status({ id: owner.id })).toBe(401);
    expect(await status({ id: owner.id, token: 'a'.repeat(26) })).toBe(401);
    expect(await status({ id: owner.id, token: thief.token })).toBe(401);
    expect(await status({ id: newPeerId(), token: thief.token })).toBe(401);
    const metrics = await (await fetch(`http://127.0.0.1:${plane.port}/metrics`)).text();
    expect(metrics).toContain('llmesh_refused_total{plane="signal",code="not_proven"} 4');
    await expectTalk(await open(owner), await open(thief));
  });

  test('a thief does not disturb the owner that is connected', async () => {
    const [owner, thief] = [await prove(), await prove()];
    const [a, b] = [await open(owner), await open()];
    for (let i = 0; i < 20; i++) expect(await status({ id: owner.id, token: thief.token })).toBe(401);
    await expectTalk(a, b);
  });

  test('the owner comes back while its old connection hangs, with the same token or a newer one', async () => {
    const owner = await prove();
    const [first, b] = [await open(owner), await open()];
    const second = await open(owner);
    await first.end();
    await expectTalk(second, b);
    const third = await open(await prove(owner.mesh.identity));
    await second.end();
    await expectTalk(third, b);
  });

  test('the owner comes back many times at once: one connection is left, and it works', async () => {
    const owner = await prove();
    const b = await open();
    const all = Array.from({ length: 8 }, () => new SignalPeer(plane.port, owner));
    await Promise.any(all.map((peer) => peer.says('OPEN')));
    const last = await open(owner);
    await Promise.all(all.map((peer) => peer.end()));
    await expectTalk(last, b);
  });

  test('the token lives as long as the session on /mesh, and a minute longer', async () => {
    const owner = await prove();
    // In steps shorter than a ping, so that the server does not take the standing clock for half-open connections.
    for (let i = 0; i < 11 * 60; i += 4) {
      clock.turn(4000);
      await owner.mesh.settled();
    }
    await open(owner);
    owner.mesh.send({ type: 'bye' });
    await owner.mesh.end();
    clock.turn(GRACE_MS - 1);
    await open(owner);
    clock.turn(1);
    expect(await status(owner)).toBe(401);
  });
});

test('only ids, tokens and keys of the mesh are let in', async () => {
  expect(await status({ id: 'x' as PeerId })).toBe(400);
  expect(await status({ id: newPeerId().toUpperCase() as PeerId })).toBe(400);
  expect(await status({ id: `${newPeerId()}&id=${newPeerId()}` as PeerId })).toBe(400);
  expect(await status({ id: `${newPeerId()}&key=peerjs` as PeerId })).toBe(400);
  expect(await status({ token: 't'.repeat(1000) })).toBe(400);
});

test('its HTTP hands out ids of the mesh, and lists nobody', async () => {
  await open();
  const at = `http://127.0.0.1:${plane.port}/signal/peerjs`;
  expect(isPeerId(await (await fetch(`${at}/id`)).text())).toBe(true);
  expect((await fetch(`${at}/peers`)).status).toBe(401);
});

describe('one hostile client does not disturb the others', () => {
  const nested = (to: string) =>
    `{"type":"OFFER","dst":"${to}","payload":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`;

  test.each([
    ['no JSON', () => '{', CLOSE.badMessage],
    ['JSON that is no message', () => 'null', CLOSE.badMessage],
    ['an unknown type', () => '{"type":"NONSENSE"}', CLOSE.badMessage],
    ['an offer without payload', (to: SignalPeer) => ({ type: 'OFFER', dst: to.id }), CLOSE.badMessage],
    ['a payload that is too deep', (to: SignalPeer) => nested(to.id), CLOSE.badMessage],
    ['a receiver that throws', () => '{"type":"OFFER","dst":{"toString":1},"payload":{}}', CLOSE.badMessage],
    ['binary', () => Buffer.from([1, 2, 3]), CLOSE.badMessage],
    ['a message over the limit', () => 'x'.repeat(MAX_SIGNAL_BYTES + 1), 1009],
    ['a message far over the limit', () => 'x'.repeat(2_000_000), 1009],
  ])('%s', async (_what, message, code) => {
    const [a, b, hostile] = [await open(), await open(), await open()];
    hostile.send(message(a));
    expect((await hostile.end()).code).toBe(code);
    await expectTalk(a, b);
  });

  test('a flood', async () => {
    const [a, b, hostile] = [await open(), await open(), await open()];
    for (let i = 0; i < 2000; i++) hostile.send({ ...offer(b), dst: newPeerId() });
    expect(await hostile.says('ERROR')).toEqual({ type: 'ERROR', payload: { msg: 'Too many signalling messages.' } });
    expect(await hostile.end()).toEqual({ code: CLOSE.rateLimited, reason: 'Too many signalling messages.' });
    await expectTalk(a, b);
  });
});
