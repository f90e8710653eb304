/** Leases, acknowledgements and receipts as they go over links, with strangers at either end. The server is scripted. */
import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase32, toBase32 } from '../base/base32.ts';
import { Channel, type Message } from '../peers/channel.ts';
import { MAX_UNACKNOWLEDGED_UNITS } from './delivery.ts';
import { DigestChain } from '../receipts/digest-chain.ts';
import type { Identity } from '../identity/identity.ts';
import { newTaskId, type ModelId, type PeerId, type TaskId } from '../base/ids.ts';
import { leaseOf, readLeases, type Leases } from '../receipts/lease.ts';
import type { TaskRequest } from '../protocol.ts';
import {
  joinReceipt,
  readAcknowledgement,
  readReceipt,
  signAcknowledgement,
  signReceipt,
} from '../receipts/receipt.ts';
import { requestCommitment } from '../receipts/request-commitment.ts';
import { chatRequest, response, textChunk } from '../testing/task-messages.ts';
import type { Filing } from '../wire/control-protocol.ts';
import { advert, MODEL, NOW_MS } from '../testing/scripted-server.ts';
import { consume, never, newIdentity, question, World } from '../testing/mesh-world.ts';
import { ScriptedEngine } from '../testing/scripted-engine.ts';

const world = { current: new World() };
afterEach(async () => {
  await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
  world.current = new World();
});

/** Lets all happen that needs no time: a long answer takes many turns of its own. */
async function settled(w: World): Promise<void> {
  for (let i = 0; i < 500; i++) await w.clock.advance(0);
}

const words = (count: number) => Array.from({ length: count }, (_, i) => `${i} `);
/** An engine that writes so many words, and then nothing until it is stopped. */
const stuckAfter = (count: number) => {
  const engine = new ScriptedEngine([]);
  engine.generate = async function* (_, signal) {
    for (const [i, text] of words(count).entries()) yield { text, tokens: 1, tokenIds: [i] };
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    return { finish: 'stop', promptTokens: 1, completionTokens: count };
  };
  return engine;
};

function receiptOf(filing: Filing | undefined) {
  if (filing?.proof.kind !== 'receipt') throw new Error(`no receipt: ${JSON.stringify(filing)}`);
  const { provider, requester } = filing.proof;
  return joinReceipt(fromBase32(provider)!, fromBase32(requester)!);
}

function acknowledgementOf(filing: Filing | undefined) {
  if (filing?.proof.kind !== 'acknowledgement') throw new Error(`no acknowledgement: ${JSON.stringify(filing)}`);
  return readAcknowledgement(fromBase32(filing.proof.acknowledgement)!);
}

/** A requester that does as it pleases, on a link of its own. */
class Stranger {
  readonly heard: Message[] = [];
  readonly channel: Channel;
  readonly identity: Identity;
  readonly #asked = new Map<TaskId, TaskRequest>();

  static async dial(w: World, provider: PeerId, identity = newIdentity()): Promise<Stranger> {
    const link = await w.network.join(identity.peerId).dial(provider, never);
    return new Stranger(w, identity, (events) => new Channel(link, w.clock, events));
  }

  private constructor(
    _w: World,
    identity: Identity,
    open: (events: ConstructorParameters<typeof Channel>[2]) => Channel,
  ) {
    this.identity = identity;
    this.channel = open({ closed() {}, message: (_, message) => this.heard.push(message) });
  }

  ask(lease: Uint8Array<ArrayBuffer> | null, changes: Partial<TaskRequest> = {}): TaskId {
    const taskId = newTaskId();
    const request = chatRequest(taskId, {}, { lease, ...changes });
    this.#asked.set(request.taskId, request);
    this.channel.send(request);
    return request.taskId;
  }

  /** How the task stands: the code of its error, or the kind of the last word about it. */
  outcome(taskId: TaskId): string | undefined {
    const last = this.heard.filter((message) => 'taskId' in message && message.taskId === taskId).at(-1);
    return last?.kind === 'TASK_ERROR' ? last.code : last?.kind;
  }

  /** What an honest requester would sign now. */
  chain(taskId: TaskId, lease: Uint8Array) {
    const { requester, provider, nonce } = leaseOf(readLeases(lease)!, this.channel.peer)!;
    const commitment = requestCommitment(this.#asked.get(taskId)!);
    const start = { taskId, requester, provider, leaseNonce: nonce, commitment };
    const chain = new DigestChain(start);
    for (const message of this.heard)
      if (message.kind === 'TASK_CHUNK' && message.taskId === taskId) chain.add(message);
    return { ...start, units: chain.units, digest: chain.digest };
  }

  acknowledge(taskId: TaskId, acknowledgement: Uint8Array<ArrayBuffer>): void {
    this.channel.send({ kind: 'TASK_ACK', taskId, acknowledgement });
  }
}

describe('a lease', () => {
  const other = newIdentity();
  const nowSeconds = NOW_MS / 1000;
  it.each<[string, Partial<Leases> | null]>([
    ['none', null],
    ['of another requester', { requester: other.peerId }],
    ['for another provider', { providers: [other.peerId] }],
    ['for another model', { model: 'other' as ModelId }],
    ['for another kind of task', { task: 'embedding' }],
    ['for a simpler task', { complexity: 999 }],
    ['that has run out', { expiresAt: nowSeconds - 31 }],
    ['that never runs out', { expiresAt: nowSeconds + 86_400 }],
    ['for a shorter answer', { maxUnits: 99 }],
  ])('%s: the task is refused, and not begun', async (_, changes) => {
    const w = world.current;
    const engine = new ScriptedEngine(['x']);
    const { mesh, statuses } = await w.provide(engine);
    const stranger = await Stranger.dial(w, mesh.self);
    const good = { requester: stranger.identity.peerId, providers: [mesh.self] };
    const refused = stranger.ask(changes === null ? null : await w.server.lease({ ...good, ...changes }));
    await w.clock.advance(10);
    expect(stranger.outcome(refused)).toBe('lease_refused');
    expect(statuses.at(-1)?.tokens ?? 0).toBe(0);
    const taken = stranger.ask(await w.server.lease(good));
    await w.clock.advance(10);
    expect(stranger.outcome(taken)).toBe('TASK_RESPONSE');
  });

  it.each([
    ['ahead', 3_600_000],
    ['behind', -3_600_000],
  ])('counts by the clock of its server, which is an hour %s and is then put right', async (_, offMs) => {
    const w = world.current;
    w.server.tellsTime = true;
    w.server.now = () => NOW_MS + offMs + w.clock.now();
    const provider = await w.provide(new ScriptedEngine(['x']));
    const stranger = await Stranger.dial(w, provider.mesh.self);
    const terms = { requester: stranger.identity.peerId, providers: [provider.mesh.self] };
    const outcome = async () => {
      const task = stranger.ask(await w.server.lease(terms));
      await w.clock.advance(10);
      const last = stranger.heard.find((message) => message.kind === 'TASK_RESPONSE' && message.taskId === task);
      const half = last?.kind === 'TASK_RESPONSE' ? last.receipt : null;
      const receipt = half === null ? null : readReceipt(half)?.receipt;
      return receipt === undefined || receipt === null ? stranger.outcome(task) : receipt.endedMs - w.server.now();
    };
    expect(Math.abs(Number(await outcome()))).toBeLessThan(100);
    w.server.now = () => NOW_MS + w.clock.now();
    expect(await outcome()).toBe('lease_refused');
    w.server.tellTime();
    expect(Math.abs(Number(await outcome()))).toBeLessThan(100);
  });

  it('that another server wrote is refused, and so is one that the requester wrote itself', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(['x']));
    const stranger = await Stranger.dial(w, mesh.self);
    const terms = { requester: stranger.identity.peerId, providers: [mesh.self] };
    const forged = [await w.server.lease(terms, other), await w.server.lease(terms, stranger.identity)];
    const tasks = [...forged, new Uint8Array(300)].map((lease) => stranger.ask(lease));
    await w.clock.advance(10);
    expect(tasks.map((task) => stranger.outcome(task))).toEqual(['lease_refused', 'lease_refused', 'lease_refused']);
  });

  it('is good once: not on the same link again, not on another, not after lending began anew', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['x']);
    const { mesh, providing } = await w.provide(engine);
    const stranger = await Stranger.dial(w, mesh.self);
    const lease = await w.server.lease({ requester: stranger.identity.peerId, providers: [mesh.self] });
    const first = stranger.ask(lease);
    const second = stranger.ask(lease);
    await w.clock.advance(10);
    expect([first, second].map((task) => stranger.outcome(task))).toEqual(['TASK_RESPONSE', 'lease_refused']);
    const again = await Stranger.dial(w, mesh.self, stranger.identity);
    const third = again.ask(lease);
    await w.clock.advance(10);
    expect(again.outcome(third)).toBe('lease_refused');
    const stopped = providing.stop();
    await w.clock.advance(0);
    await stopped;
    mesh.provide({ models: [{ advert, engine, slots: 1 }], onStatus: () => {}, onFailure: () => {}, onHang: () => {} });
    const fourth = again.ask(lease);
    await w.clock.advance(10);
    expect(again.outcome(fourth)).toBe('lease_refused');
  });

  it('is not used up by a provider that has no room', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(['x']);
    let letGo = () => {};
    engine.hold = new Promise((resolve) => {
      letGo = resolve;
    });
    const { mesh } = await w.provide(engine);
    const crowd = await Stranger.dial(w, mesh.self);
    for (let i = 0; i < 5; i++) {
      crowd.ask(await w.server.lease({ requester: crowd.identity.peerId, providers: [mesh.self] }));
    }
    const stranger = await Stranger.dial(w, mesh.self);
    const lease = await w.server.lease({ requester: stranger.identity.peerId, providers: [mesh.self] });
    const first = stranger.ask(lease);
    await w.clock.advance(10);
    expect(stranger.outcome(first)).toBe('busy');
    letGo();
    await w.clock.advance(10);
    const second = stranger.ask(lease);
    await w.clock.advance(10);
    expect(stranger.outcome(second)).toBe('TASK_RESPONSE');
  });

  it('refused again and again costs the link', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(['x']));
    const stranger = await Stranger.dial(w, mesh.self);
    for (let i = 0; i < 40; i++) stranger.ask(new Uint8Array(300));
    await w.clock.advance(10);
    expect(stranger.channel.open).toBe(false);
    expect(stranger.heard.length).toBeLessThan(20);
  });

  it('is not asked for while there is nobody to give one, and then nothing is signed', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(['x']));
    const stranger = await Stranger.dial(w, mesh.self);
    const early = stranger.ask(null);
    await w.clock.advance(10);
    expect(stranger.outcome(early)).toBe('lease_refused');
    w.server.goAway();
    await w.clock.advance(2_000);
    const task = stranger.ask(null);
    await w.clock.advance(10);
    expect(stranger.heard.at(-1)).toMatchObject({ kind: 'TASK_RESPONSE', taskId: task, receipt: null });
  });

  it('that a provider refuses sends the question to the next', async () => {
    const w = world.current;
    const strict = await w.provide(new ScriptedEngine(['never']));
    const ahead = newIdentity();
    const transport = w.network.join(ahead.peerId);
    transport.accept = (link) => {
      new Channel(link, w.clock, {
        closed() {},
        message: (channel, message) => {
          if (message.kind !== 'TASK_REQUEST') return;
          channel.send({
            kind: 'TASK_ERROR',
            taskId: message.taskId,
            code: 'lease_refused',
            message: 'It has run out.',
          });
        },
      });
    };
    w.server.providers.clear();
    w.server.providers.set(ahead.peerId, candidate(ahead.peerId));
    w.server.providers.set(strict.mesh.self, candidate(strict.mesh.self));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome).toMatchObject({ text: 'never', error: null });
  });
});

describe('an answer', () => {
  it('leaves both ends with the same receipt, and the control plane with it twice', async () => {
    const w = world.current;
    const { mesh } = await w.provide(new ScriptedEngine(words(70)));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(1_000);
    expect(outcome.events.at(-1)).toMatchObject({ type: 'done', summary: { receipt: 'signed', completionTokens: 70 } });
    expect(w.server.filed.map(({ by }) => by).sort()).toEqual([user.self, mesh.self].sort());
    const [one, two] = w.server.filed.map(({ filing }) => filing);
    expect(one).toEqual(two);
    expect(receiptOf(one)).toMatchObject({
      requester: user.self,
      provider: mesh.self,
      model: MODEL,
      units: 70,
      inputUnits: 3,
    });
    expect(readLeases(fromBase32(one!.lease)!)).toMatchObject({
      requester: user.self,
      providers: [mesh.self],
      issuer: w.server.identity.peerId,
    });
    for (const peer of [user.self, mesh.self]) {
      expect(await w.kept(peer)).toEqual([{ leaseId: expect.any(String), filing: one, settled: true }]);
    }
    expect(w.failed).toEqual([]);
  });

  it('of nothing at all is receipted, too', async () => {
    const w = world.current;
    await w.provide(new ScriptedEngine([]));
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(1_000);
    expect(outcome.events.at(-1)).toMatchObject({ summary: { receipt: 'signed' } });
    expect(receiptOf(w.server.filed[0]?.filing)).toMatchObject({ units: 0 });
  });

  it('that the requester cancels is acknowledged for what came', async () => {
    const w = world.current;
    const { mesh } = await w.provide(stuckAfter(45));
    const user = await w.join();
    const abort = new AbortController();
    const outcome = consume(user.ask(question(), abort.signal));
    while (outcome.events.length < 47) await w.clock.advance(10);
    abort.abort();
    await w.clock.advance(1_000);
    expect(outcome.error?.code).toBe('cancelled');
    expect(w.server.filed.map(({ by }) => by)).toEqual([mesh.self]);
    expect(acknowledgementOf(w.server.filed[0]?.filing)).toMatchObject({
      requester: user.self,
      provider: mesh.self,
      units: 45,
    });
  });

  it('whose requester vanishes is proved as far as it was acknowledged', async () => {
    const w = world.current;
    const { mesh } = await w.provide(stuckAfter(45));
    const user = await w.join();
    consume(user.ask(question(), never));
    await settled(w);
    for (const link of w.links) link.silenced = true;
    await w.clock.advance(60_000);
    expect(acknowledgementOf(w.server.filed[0]?.filing)).toMatchObject({ provider: mesh.self, units: 32 });
    expect(w.server.filed).toHaveLength(1);
  });

  it('whose provider is killed leaves it with an acknowledgement, which it files when it is back', async () => {
    const w = world.current;
    const identity = newIdentity();
    const provider = await w.join(identity);
    provider.provide({
      models: [{ advert, engine: stuckAfter(70), slots: 1 }],
      onStatus: () => {},
      onFailure: () => {},
      onHang: () => {},
    });
    await w.clock.advance(0);
    const user = await w.join();
    consume(user.ask(question(), never));
    await settled(w);
    await w.clock.advance(500);
    // Here it is killed: of its keeper there is what was kept, and nobody closes anything.
    const [held] = await w.kept(identity.peerId);
    expect(held).toMatchObject({ settled: false });
    expect(acknowledgementOf(held?.filing)).toMatchObject({ units: 64 });
    expect(w.server.filed).toEqual([]);
    const keeper = w.keepers.get(identity.peerId)!;
    await w.join(identity, keeper);
    await w.clock.advance(1_000);
    expect(w.server.filed).toEqual([{ by: identity.peerId, filing: held?.filing }]);
    expect(await keeper.list()).toMatchObject([{ settled: true }]);
  });

  it('is filed when the control plane is there again', async () => {
    const w = world.current;
    w.server.fileRefusal = 'control_unreachable';
    const { mesh } = await w.provide(new ScriptedEngine(words(3)));
    const user = await w.join();
    consume(user.ask(question(), never));
    await w.clock.advance(60_000);
    expect(w.server.filed).toEqual([]);
    expect(await w.kept(mesh.self)).toMatchObject([{ settled: false }]);
    w.server.fileRefusal = null;
    await w.clock.advance(20_000);
    expect(w.server.filed).toHaveLength(2);
    expect(await w.kept(mesh.self)).toMatchObject([{ settled: true }]);
  });

  it('that the control plane will not have is not filed again, and said once', async () => {
    const w = world.current;
    w.server.fileRefusal = 'receipt_refused';
    await w.provide(new ScriptedEngine(words(3)));
    const user = await w.join();
    consume(user.ask(question(), never));
    await w.clock.advance(60_000);
    expect(w.failed.map(({ code }) => code)).toEqual(['receipt_refused', 'receipt_refused']);
    expect(w.server.received.filter((type) => type === 'file')).toHaveLength(2);
  });
});

describe('a provider', () => {
  /** A provider that does as it pleases: five words, and then whatever `half` makes of the truth. */
  async function answering(
    w: World,
    half: (truth: Parameters<typeof signReceipt>[0], self: Identity) => Promise<Uint8Array | null>,
  ) {
    const identity = newIdentity();
    const heard: Message[] = [];
    w.network.join(identity.peerId).accept = (link) => {
      new Channel(link, w.clock, {
        closed() {},
        message: async (channel, message) => {
          heard.push(message);
          if (message.kind !== 'TASK_REQUEST') return;
          const { taskId, model } = message;
          const lease = leaseOf(readLeases(message.lease!)!, identity.peerId)!;
          const { requester, provider, nonce, price, priceVersion } = lease;
          const commitment = requestCommitment(message);
          const start = { taskId, requester, provider, leaseNonce: nonce, commitment };
          const chain = new DigestChain(start);
          channel.send({ kind: 'TASK_ACCEPTED', taskId, ahead: 0 });
          for (const [index, text] of words(5).entries()) {
            const chunk = textChunk(taskId, index, text);
            chain.add(chunk);
            channel.send(chunk);
          }
          const times = { startedMs: NOW_MS, endedMs: NOW_MS };
          const said = response(taskId, 5);
          const what = { task: 'chat', model, price, priceVersion, inputUnits: 3, result: sha256(said.result) };
          const truth = { ...start, units: 5, digest: chain.digest, ...what, ...times, half: null };
          const receipt = (await half(truth, identity)) as Uint8Array<ArrayBuffer> | null;
          channel.send({ ...said, receipt });
        },
      });
    };
    w.server.providers.set(identity.peerId, candidate(identity.peerId));
    return { identity, heard };
  }

  it('that tells the truth gets the other half', async () => {
    const w = world.current;
    const { heard } = await answering(w, signReceipt);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.events.at(-1)).toMatchObject({ summary: { receipt: 'signed' } });
    const last = heard.at(-1);
    expect(last?.kind === 'TASK_RECEIPT' && readReceipt(last.receipt)?.by).toBe('requester');
  });

  it.each<[string, Parameters<typeof answering>[1]]>([
    ['more tokens', (truth, self) => signReceipt({ ...truth, units: 50 }, self)],
    ['another question', (truth, self) => signReceipt({ ...truth, commitment: new Uint8Array(32) }, self)],
    ['another end', (truth, self) => signReceipt({ ...truth, result: new Uint8Array(32) }, self)],
    ['another text', (truth, self) => signReceipt({ ...truth, digest: new Uint8Array(32) }, self)],
    ['a prompt longer than it can be', (truth, self) => signReceipt({ ...truth, inputUnits: 100_000 }, self)],
    ['a higher price', (truth, self) => signReceipt({ ...truth, price: 1 }, self)],
    ['another price list', (truth, self) => signReceipt({ ...truth, priceVersion: 0 }, self)],
    ['a dearer model', (truth, self) => signReceipt({ ...truth, model: 'dear' as ModelId }, self)],
    ['another’s lease', (truth, self) => signReceipt({ ...truth, leaseNonce: new Uint8Array(16) }, self)],
    ['something in another’s name', (truth) => signReceipt(truth, newIdentity())],
    ['nothing that can be read', async () => new Uint8Array(200)],
  ])('whose receipt says %s: it is not signed, the text is good, and what came is acknowledged', async (_, half) => {
    const w = world.current;
    const { heard } = await answering(w, half);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ text: words(5).join(''), error: null });
    expect(outcome.events.at(-1)).toMatchObject({ type: 'done', summary: { receipt: 'refused' } });
    expect(heard.map(({ kind }) => kind)).toEqual(['TASK_REQUEST', 'TASK_ACK']);
    const last = heard.at(-1);
    expect(last?.kind === 'TASK_ACK' && readAcknowledgement(last.acknowledgement)).toMatchObject({ units: 5 });
    expect(w.server.filed).toEqual([]);
    expect(await w.kept(user.self)).toEqual([]);
  });

  it('that sends no receipt: the text is good, and what came is acknowledged', async () => {
    const w = world.current;
    const { heard } = await answering(w, async () => null);
    const user = await w.join();
    const outcome = consume(user.ask(question(), never));
    await w.clock.advance(10);
    expect(outcome.events.at(-1)).toMatchObject({ summary: { receipt: 'none' } });
    expect(heard.map(({ kind }) => kind)).toEqual(['TASK_REQUEST', 'TASK_ACK']);
  });
});

describe('a requester', () => {
  /** It asks a real provider, properly, and then does as it pleases. */
  async function asking(w: World, engine: ScriptedEngine) {
    const { mesh, statuses, failures } = await w.provide(engine);
    const stranger = await Stranger.dial(w, mesh.self);
    const maxUnits = 5_000;
    const lease = await w.server.lease({ requester: stranger.identity.peerId, providers: [mesh.self], maxUnits });
    const taskId = stranger.ask(lease, { maxUnits });
    await settled(w);
    return { mesh, stranger, lease, taskId, statuses, failures };
  }

  it('that acknowledges nothing gets so much, and after half a minute no more', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(words(3_000));
    const { stranger, taskId, failures } = await asking(w, engine);
    await settled(w);
    await w.clock.advance(25_000);
    const chunks = () => stranger.heard.filter(({ kind }) => kind === 'TASK_CHUNK').length;
    expect(chunks()).toBe(MAX_UNACKNOWLEDGED_UNITS + 1);
    expect(engine.computing).toBe(1);
    await w.clock.advance(10_000);
    expect(stranger.outcome(taskId)).toBe('receipt_refused');
    expect(chunks()).toBe(MAX_UNACKNOWLEDGED_UNITS + 1);
    expect(engine.computing).toBe(0);
    expect(failures).toEqual([]);
    expect(w.server.filed).toEqual([]);
  });

  it('that acknowledges late gets the rest', async () => {
    const w = world.current;
    const { stranger, lease, taskId } = await asking(w, new ScriptedEngine(words(1_500)));
    await settled(w);
    await w.clock.advance(20_000);
    stranger.acknowledge(taskId, await signAcknowledgement(stranger.chain(taskId, lease), stranger.identity));
    await settled(w);
    expect(stranger.outcome(taskId)).toBe('TASK_RESPONSE');
  });

  it.each<[string, (stranger: Stranger, taskId: TaskId, lease: Uint8Array) => Promise<Uint8Array<ArrayBuffer>>]>([
    ['in another’s name', (s, id, lease) => signAcknowledgement(s.chain(id, lease), newIdentity())],
    [
      'of another task',
      (s, id, lease) => signAcknowledgement({ ...s.chain(id, lease), taskId: newTaskId() }, s.identity),
    ],
    [
      'of another text',
      (s, id, lease) => signAcknowledgement({ ...s.chain(id, lease), digest: new Uint8Array(32) }, s.identity),
    ],
    ['of nothing', async () => new Uint8Array(200)],
  ])('that acknowledges %s is cut off', async (_, sign) => {
    const w = world.current;
    const engine = stuckAfter(40);
    const { stranger, lease, taskId } = await asking(w, engine);
    stranger.acknowledge(taskId, await sign(stranger, taskId, lease));
    await w.clock.advance(10);
    expect(stranger.outcome(taskId)).toBe('receipt_refused');
    await w.clock.advance(60_000);
    expect(w.server.filed).toEqual([]);
  });

  it('that sends an acknowledgement again is cut off; what it signed before stays', async () => {
    const w = world.current;
    const { stranger, lease, taskId } = await asking(w, stuckAfter(40));
    const acknowledgement = await signAcknowledgement(stranger.chain(taskId, lease), stranger.identity);
    stranger.acknowledge(taskId, acknowledgement);
    stranger.acknowledge(taskId, acknowledgement);
    await w.clock.advance(1_000);
    expect(stranger.outcome(taskId)).toBe('receipt_refused');
    expect(acknowledgementOf(w.server.filed[0]?.filing)).toMatchObject({ units: 40 });
  });

  it('cannot acknowledge, receipt or end the task of another', async () => {
    const w = world.current;
    const { mesh, stranger, lease, taskId } = await asking(w, stuckAfter(40));
    const outsider = await Stranger.dial(w, mesh.self);
    outsider.acknowledge(taskId, new Uint8Array(200));
    outsider.channel.send({ kind: 'TASK_RECEIPT', taskId, receipt: new Uint8Array(200) });
    await w.clock.advance(10);
    expect(outsider.heard).toEqual([]);
    expect(stranger.outcome(taskId)).toBe('TASK_CHUNK');
    stranger.acknowledge(taskId, await signAcknowledgement(stranger.chain(taskId, lease), stranger.identity));
    stranger.channel.send({ kind: 'TASK_CANCEL', taskId });
    await w.clock.advance(1_000);
    expect(acknowledgementOf(w.server.filed[0]?.filing)).toMatchObject({ units: 40 });
  });

  it.each<[string, (truth: Parameters<typeof signReceipt>[0], self: Identity) => Promise<Uint8Array<ArrayBuffer>>]>([
    ['for fewer tokens', (truth, self) => signReceipt({ ...truth, units: 1 }, self)],
    ['in another’s name', (truth) => signReceipt(truth, newIdentity())],
    ['that is nothing', async () => new Uint8Array(200)],
  ])('that signs a receipt %s has its acknowledgement filed instead', async (_, sign) => {
    const w = world.current;
    const { stranger, lease, taskId } = await asking(w, new ScriptedEngine(words(40)));
    stranger.acknowledge(taskId, await signAcknowledgement(stranger.chain(taskId, lease), stranger.identity));
    const response = stranger.heard.at(-1);
    if (response?.kind !== 'TASK_RESPONSE' || response.receipt === null) throw new Error('no receipt came');
    const { receipt } = readReceipt(response.receipt)!;
    stranger.channel.send({ kind: 'TASK_RECEIPT', taskId, receipt: await sign(receipt, stranger.identity) });
    // Once it was wrong, the right one comes too late.
    stranger.channel.send({ kind: 'TASK_RECEIPT', taskId, receipt: await signReceipt(receipt, stranger.identity) });
    await w.clock.advance(1_000);
    expect(w.server.filed).toHaveLength(1);
    expect(acknowledgementOf(w.server.filed[0]?.filing)).toMatchObject({ units: 40 });
  });

  it('that never signs the receipt: after half a minute its acknowledgement is filed', async () => {
    const w = world.current;
    const { mesh, stranger, lease, taskId } = await asking(w, new ScriptedEngine(words(40)));
    stranger.acknowledge(taskId, await signAcknowledgement(stranger.chain(taskId, lease), stranger.identity));
    await w.clock.advance(20_000);
    expect(w.server.filed).toEqual([]);
    expect(await w.kept(mesh.self)).toMatchObject([{ settled: false }]);
    await w.clock.advance(15_000);
    expect(acknowledgementOf(w.server.filed[0]?.filing)).toMatchObject({ units: 40 });
    expect(toBase32(lease)).toBe(w.server.filed[0]?.filing.lease);
  });
});

function candidate(peerId: PeerId) {
  return {
    peerId,
    agent: 'native',
    model: advert,
    slots: 1,
    busySlots: 0,
    queued: 0,
    reliability: 1,
    certificate: null,
  } as const;
}
