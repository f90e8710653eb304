/** PeerServer as the mesh runs it, with clients that are real sockets and speak as PeerJS does. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isPeerId, newPeerId } from '@llmesh/core/ids';
import { CLOSE } from './bounded-socket.ts';
import { startControlPlane, type ControlPlane } from './server.ts';
import { MAX_SIGNAL_BYTES } from './signal-guard.ts';
import { SignalPeer } from './testing/clients.ts';

let plane: ControlPlane;
beforeEach(async () => {
  plane = await startControlPlane({ port: 0, host: '127.0.0.1', webFolder: 'nowhere' });
});
afterEach(() => plane.close());

async function open(...who: [ConstructorParameters<typeof SignalPeer>[1]?]): Promise<SignalPeer> {
  const peer = new SignalPeer(plane.port, ...who);
  await peer.says('OPEN');
  return peer;
}

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

test('an id belongs to whoever holds it, and the same client gets it back while its old connection hangs', async () => {
  const [a, b] = [await open(), await open()];
  const thief = new SignalPeer(plane.port, { id: a.id, token: 'another' });
  await thief.says('ID-TAKEN');
  await thief.end();
  await expectTalk(a, b);
  const again = await open({ id: a.id, token: a.token });
  await a.end();
  await expectTalk(again, b);
});

test('only ids, tokens and keys of the mesh are let in', async () => {
  const status = (query: string) => new SignalPeer(plane.port, { id: query as never }).opened();
  expect(await status('x')).toBe(400);
  expect(await status(newPeerId().toUpperCase())).toBe(400);
  expect(await status(`${newPeerId()}&id=${newPeerId()}`)).toBe(400);
  expect(await status(`${newPeerId()}&key=peerjs`)).toBe(400);
  expect(await new SignalPeer(plane.port, { token: 't'.repeat(1000) }).opened()).toBe(400);
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
