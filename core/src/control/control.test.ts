import { describe, expect, it } from 'vitest';
import { fromBase32 } from '../base/base32.ts';
import { readOrder, signOrder, type OrderBody } from '../ledger/order.ts';
import { ControlClient } from './control.ts';
import type { OrderHead } from './give-order.ts';
import type { SocketLike } from './control-connection.ts';
import { MeshError } from '../base/errors.ts';
import { softwareIdentity, verify } from '../identity/identity.ts';
import { newPeerId, type ContentId, type ModelId, type NetworkId } from '../base/ids.ts';
import { faultOf, newChallenge, proveKey } from '../identity/key-proof.ts';
import { verifyIn } from '../identity/network-bound.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { PROTOCOL_VERSION } from '../protocol.ts';
import { MAX_HELD } from '../wire/candidate.ts';
import { SIGN_OF_LIFE_MS, type FromServer, type ToServer } from '../wire/control-protocol.ts';

const identity = softwareIdentity(new Uint8Array(32).fill(7));
const WELCOME: FromServer = {
  type: 'welcome',
  version: PROTOCOL_VERSION,
  heartbeatMs: 1000,
  iceServers: [],
  signalToken: 'a'.repeat(26),
  issuer: newPeerId(),
};

/** A socket whose other end is the test. */
class ScriptedSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  sent: ToServer[] = [];
  closed = false;

  send(json: string): void {
    this.sent.push(JSON.parse(json) as ToServer);
  }
  close(): void {
    this.closed = true;
  }
  say(message: FromServer | string): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.onmessage?.({ data } as never);
  }
  welcome(): void {
    this.onopen?.(undefined as never);
    this.say(WELCOME);
  }
  types(): string[] {
    return this.sent.map(({ type }) => type);
  }
}

function setUp(prove = proveKey, network: NetworkId | null = null) {
  const clock = new ManualClock();
  const sockets: ScriptedSocket[] = [];
  const client = new ControlClient({
    url: 'ws://mesh/mesh',
    identity,
    network,
    prove,
    agent: 'browser',
    openSocket: () => {
      const socket = new ScriptedSocket();
      sockets.push(socket);
      return socket;
    },
    clock,
    random: () => 0.5,
  });
  client.start();
  return { clock, sockets, client, last: () => sockets.at(-1)! };
}

const never = new AbortController().signal;
const model = 'm' as ModelId;
const question = { model, maxUnits: 64, exclude: [], only: null, prefer: null };
const advert = {
  id: model,
  name: 'M',
  quant: 'q4',
  format: 'gguf',
  backend: 'cpu',
  contextTokens: 2048,
  sha256: null,
  tokensPerSecond: null,
  continues: 'ids',
} as const;

describe('the control connection', () => {
  it('says hello first, then what it offers, then that it lives', async () => {
    const { clock, client, last } = setUp();
    client.advertise([advert], 2);
    last().welcome();
    expect(client.state).toBe('open');
    await clock.advance(2_000);
    expect(last().types()).toEqual(['hello', 'advert', 'heartbeat', 'heartbeat', 'heartbeat']);
  });

  it('describes again what it offers, as busy as it was, and hears what is expected', async () => {
    const { client, last } = setUp();
    const expected: unknown[] = [];
    client.on('expect', (one) => expected.push(one));
    client.describe([{ ...advert, wakesInMs: 10 }]);
    last().welcome();
    expect(last().types()).toEqual(['hello']);
    client.advertise([advert], 2, 'c');
    client.report({ busySlots: 1, queued: 0, units: 5, unitsPerSecond: null });
    client.describe([{ ...advert, wakesInMs: 10 }]);
    expect(last().sent.slice(-2)).toMatchObject([
      { type: 'advert', models: [{ id: model, wakesInMs: 10 }], slots: 2, certificate: 'c' },
      { type: 'heartbeat', busySlots: 1 },
    ]);
    last().say({ type: 'expect', model });
    expect(expected).toEqual([{ task: 'chat', model }]);
  });

  it('says which models it has, changes of one moment together, and again after a break', async () => {
    const { clock, client, last } = setUp();
    const held = (n: number) => ({ content: String(n).repeat(64) as ContentId, sha256: null, whole: true });
    const lists = () => last().sent.filter(({ type }) => type === 'hold');
    client.hold([]);
    last().welcome();
    expect(lists()).toEqual([]);
    client.hold([held(1)], 'c'.repeat(205));
    client.hold([held(1), held(2)]);
    client.hold(Array.from({ length: 100 }, () => held(3)));
    expect(lists()).toMatchObject([{ held: [held(1)], certificate: 'c'.repeat(205) }]);
    await clock.advance(2_000);
    expect(lists().at(-1)).toMatchObject({ held: Array.from({ length: MAX_HELD }, () => held(3)), certificate: null });
    expect(lists()).toHaveLength(2);
    last().onclose?.(undefined as never);
    client.hold([held(4)]);
    await clock.advance(60_000);
    last().welcome();
    expect(lists()).toMatchObject([{ held: [held(4)] }]);
  });

  it('proves its key once a connection, and only then is in', async () => {
    const { clock, client, last } = setUp();
    const welcomes: string[] = [];
    client.on('welcome', ({ signalToken }) => welcomes.push(signalToken));
    last().onopen?.(undefined as never);
    const [first, second] = [newChallenge(4), newChallenge(0)];
    last().say(first);
    last().say(second);
    await clock.advance(0);
    const [hello, proof, ...more] = last().sent;
    expect(hello).toMatchObject({ type: 'hello', peerId: identity.peerId });
    expect(proof?.type === 'proof' && faultOf(identity.publicKey, first, proof, ['mesh'])).toBeNull();
    expect(more).toEqual([]);
    expect(client.state).toBe('connecting');
    last().say(WELCOME);
    expect([client.state, welcomes]).toEqual(['open', ['a'.repeat(26)]]);
    last().say(newChallenge(0));
    await clock.advance(0);
    expect(last().types()).toEqual(['hello', 'proof']);
  });

  it('signs in the network that the server names, and stays in it', async () => {
    const { clock, client, sockets, last } = setUp();
    const [one, other] = ['a', 'b'].map((letter) => `net_${letter.repeat(32)}` as NetworkId);
    last().onopen?.(undefined as never);
    const challenge = { ...newChallenge(0), network: one! };
    last().say(challenge);
    await clock.advance(0);
    const [hello, proof] = last().sent;
    expect(hello).toMatchObject({ network: null });
    if (proof?.type !== 'proof') throw new Error('nothing was proved');
    const faultIn = (network: NetworkId | null) =>
      faultOf(identity.publicKey, challenge, proof, ['mesh'], verifyIn({ network }, verify));
    expect([one!, other!, null].map(faultIn)).toEqual([null, 'signature', 'signature']);
    last().say(WELCOME);
    expect(client.network).toBe(one);
    last().onclose?.(undefined as never);
    await clock.advance(2_000);
    expect(sockets).toHaveLength(2);
    last().onopen?.(undefined as never);
    expect(last().sent).toMatchObject([{ type: 'hello', network: one }]);
    last().say({ ...newChallenge(0), network: other! });
    await clock.advance(0);
    expect(last().types()).toEqual(['hello']);
    expect([client.state, client.refusal?.code, client.network]).toEqual(['refused', 'control_refused', one]);
  });

  it.each([undefined, `net_${'b'.repeat(32)}` as NetworkId])(
    'signs nothing for a server of another network than its own: %s',
    async (network) => {
      const own = `net_${'a'.repeat(32)}` as NetworkId;
      const { clock, client, last } = setUp(proveKey, own);
      last().onopen?.(undefined as never);
      last().say({ ...newChallenge(0), ...(network !== undefined && { network }) });
      await clock.advance(0);
      expect(last().sent).toMatchObject([{ type: 'hello', network: own }]);
      expect([client.state, client.refusal?.code]).toEqual(['refused', 'control_refused']);
    },
  );

  it('tries again when the server falls silent after the proof', async () => {
    const { clock, client, sockets, last } = setUp();
    last().onopen?.(undefined as never);
    last().say(newChallenge(0));
    await clock.advance(20_000);
    expect(sockets.length).toBeGreaterThan(1);
    expect(client.state).toBe('connecting');
  });

  it('gives up on a server that asks for too much work, and on a key that does not sign', async () => {
    const greedy = setUp();
    greedy.last().onopen?.(undefined as never);
    greedy.last().say(newChallenge(60));
    await greedy.clock.advance(60_000);
    expect([greedy.client.state, greedy.client.refusal?.code, greedy.sockets.length]).toEqual([
      'refused',
      'work_refused',
      1,
    ]);
    const lost = setUp(() => Promise.reject(new Error('the key is gone')));
    lost.last().onopen?.(undefined as never);
    lost.last().say(newChallenge(0));
    await lost.clock.advance(0);
    expect(lost.client.refusal).toMatchObject({ code: 'control_refused', cause: new Error('the key is gone') });
  });

  it('ends the work for a connection that is gone', async () => {
    const ended: boolean[] = [];
    const { clock, client, last } = setUp((_identity, _challenge, _host, signal) => {
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          ended.push(true);
          reject(new MeshError('cancelled', 'Stopped.'));
        }),
      );
    });
    last().onopen?.(undefined as never);
    last().say(newChallenge(0));
    last().onclose?.(undefined as never);
    await clock.advance(0);
    expect([ended, client.state]).toEqual([[true], 'connecting']);
  });

  it('comes back on its own, with its advert', async () => {
    const { clock, client, sockets, last } = setUp();
    client.advertise([advert], 2);
    last().welcome();
    last().onclose?.(undefined as never);
    expect(client.state).toBe('connecting');
    await clock.advance(1_000);
    expect(sockets.length).toBe(2);
    last().welcome();
    expect(client.state).toBe('open');
    expect(last().types()).toContain('advert');
  });

  it('has no credits any more when the mesh came back without', () => {
    const { client, last } = setUp();
    last().welcome();
    const none = { free: 0, allowance: 0, held: 0, pending: 0, stake: 0, unbonding: 0 };
    last().say({ type: 'account', mode: 'priority', ...none, free: 7 });
    expect(client.account?.free).toBe(7);
    last().say({ type: 'account', mode: 'off', ...none });
    expect(client.account).toBeNull();
  });

  it('tries less and less often while nobody answers', async () => {
    const { clock, sockets } = setUp();
    await clock.advance(120_000);
    expect(sockets.length).toBeGreaterThan(3);
    expect(sockets.length).toBeLessThan(20);
  });

  it('reports a taken slot at once, and each token once', async () => {
    const { clock, client, last } = setUp();
    client.advertise([advert], 1);
    last().welcome();
    client.report({ busySlots: 1, queued: 0, units: 0, unitsPerSecond: null });
    client.report({ busySlots: 1, queued: 0, units: 30, unitsPerSecond: 12 });
    await clock.advance(1_000);
    client.report({ busySlots: 0, queued: 0, units: 40, unitsPerSecond: 12 });
    const beats = last().sent.filter((message) => message.type === 'heartbeat');
    expect(beats.map(({ busySlots, units }) => [busySlots, units])).toEqual([
      [0, 0],
      [1, 0],
      [1, 30],
      [0, 10],
    ]);
  });

  it('matches, and fails in words when the server is away, slow or unwilling', async () => {
    const { clock, client, last } = setUp();
    const early = client.match(question, never).catch((error: unknown) => error);
    await clock.advance(5_001);
    expect(await early).toMatchObject({ code: 'control_unreachable' });

    last().welcome();
    const answered = client.match(question, never);
    last().say({ type: 'matched', requestId: 1, lease: null, candidates: [] });
    expect(await answered).toEqual([]);

    const refused = client.match(question, never).catch((error: unknown) => error);
    last().say({ type: 'refused', requestId: 2, code: 'rate_limited', message: 'Too many questions at once.' });
    expect(await refused).toMatchObject({ code: 'rate_limited' });

    const slow = client.match(question, never).catch((error: unknown) => error);
    await clock.advance(1_000);
    last().say({ type: 'offers', peers: 1, providers: 0, models: [] });
    await clock.advance(4_001);
    expect(await slow).toMatchObject({ code: 'control_unreachable' });
    expect(client.state).toBe('open');

    const cut = client.match(question, never).catch((error: unknown) => error);
    last().onclose?.(undefined as never);
    expect(await cut).toMatchObject({ code: 'control_unreachable' });
  });

  it('does not stay with a server that hangs: one that leaves a question unanswered, or says nothing for minutes', async () => {
    const { clock, client, sockets, last } = setUp();
    last().welcome();
    const asked = client.match(question, never).catch((error: unknown) => error);
    await clock.advance(5_001);
    expect(await asked).toMatchObject({ code: 'control_unreachable' });
    expect(client.state).toBe('connecting');
    await clock.advance(1_000);
    expect(sockets.length).toBe(2);
    last().welcome();
    for (let i = 0; i < 5; i++) {
      await clock.advance(SIGN_OF_LIFE_MS);
      last().say({ type: 'offers', peers: 1, providers: 0, models: [] });
    }
    expect([client.state, sockets.length]).toEqual(['open', 2]);
    await clock.advance(3 * SIGN_OF_LIFE_MS);
    expect(client.state).toBe('connecting');
    expect(sockets.length).toBeGreaterThan(2);
  });

  it('drops the wait for a match when asked to', async () => {
    const { client, last } = setUp();
    last().welcome();
    const abort = new AbortController();
    const match = client.match(question, abort.signal).catch((error: unknown) => error);
    abort.abort();
    expect(await match).toMatchObject({ code: 'cancelled' });
  });

  it.each(['version_mismatch', 'control_refused'] as const)('stays away when refused for good: %s', async (code) => {
    const { clock, client, sockets, last } = setUp();
    last().onopen?.(undefined as never);
    last().say({ type: 'refused', code, message: 'Reload this page.' });
    last().onclose?.(undefined as never);
    await clock.advance(60_000);
    expect(client.state).toBe('refused');
    expect(client.refusal?.message).toBe('Reload this page.');
    expect(sockets.length).toBe(1);
  });

  it('shrugs off what it does not understand', () => {
    const { client, last } = setUp();
    last().welcome();
    for (const junk of ['', '{', 'null', '{"type":"evil"}', '{"type":"matched"}', '[]'.repeat(1000)]) last().say(junk);
    expect(client.state).toBe('open');
  });

  it('says goodbye', async () => {
    const { clock, client, last, sockets } = setUp();
    last().welcome();
    client.close();
    client.close();
    await clock.advance(60_000);
    expect(last().types().at(-1)).toBe('bye');
    expect([last().closed, sockets.length, client.state]).toEqual([true, 1, 'closed']);
  });

  it('has an order carried out once, however often it has to be sent, and votes meanwhile', async () => {
    const { clock, client, sockets, last } = setUp();
    const sign = (body: OrderBody, head: OrderHead) => signOrder(body, head, identity);
    const orders = () => sockets.flatMap(({ sent }) => sent.filter((one) => one.type === 'order'));
    last().onopen?.(undefined as never);
    last().say({ ...WELCOME, now: 1_800_000_000_000 });
    const given = client.order({ kind: 'vote', proposal: 4, choice: 'yes' }, sign, never);
    await clock.advance(0);
    expect(client.isVoting).toBe(true);
    last().onclose?.(undefined as never);
    await clock.advance(1_000);
    last().onopen?.(undefined as never);
    last().say({ ...WELCOME, now: 1_800_000_001_000 });
    await clock.advance(0);
    const [first, second] = orders();
    expect(second).toMatchObject({ order: first!.order });
    expect(readOrder(fromBase32(first!.order)!)).toMatchObject({ kind: 'vote', by: identity.peerId, proposal: 4 });
    last().say({ type: 'filed', requestId: second!.requestId });
    await given;
    expect(client.isVoting).toBe(false);

    // Two of the same millisecond are two.
    for (const amount of [1, 2]) {
      const next = client.order({ kind: 'stake', amount }, sign, never);
      await clock.advance(0);
      last().say({ type: 'refused', requestId: orders().at(-1)!.requestId, code: 'credits_short', message: 'No.' });
      await expect(next).rejects.toMatchObject({ code: 'credits_short' });
    }
    expect(new Set(orders().map(({ order }) => readOrder(fromBase32(order)!)!.ms)).size).toBe(3);
  });

  it('says that nobody knows what became of an order that nobody answers', async () => {
    const { clock, client, last } = setUp();
    last().onopen?.(undefined as never);
    last().say({ ...WELCOME, now: 1_800_000_000_000 });
    const sign = (body: OrderBody, head: OrderHead) => signOrder(body, head, identity);
    const given = client.order({ kind: 'stake', amount: 1 }, sign, never);
    const failed = expect(given).rejects.toMatchObject({
      code: 'control_unreachable',
      message: expect.stringContaining('before you do it again'),
    });
    await clock.advance(60_000);
    await failed;
  });
});
