/** Life while the control plane is away: real meshes over memory, in virtual time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Channel, type Message } from './peers/channel.ts';
import { newPeerId, type ModelId, type PeerId } from './base/ids.ts';
import type { MemoryLink } from './testing/memory-transport.ts';
import { advert } from './testing/scripted-server.ts';
import { consume, never, question, World } from './testing/mesh-world.ts';
import { ScriptedEngine } from './testing/scripted-engine.ts';

const OTHER = 'n' as ModelId;
const OUTAGE_MS = 2_000;

let w: World;
beforeEach(() => {
  w = new World();
});

/** The control plane is gone, and so is whoever introduces peers. */
async function cut() {
  w.server.goAway();
  w.network.introduces = false;
  await w.clock.advance(OUTAGE_MS);
}

const typesOf = ({ events }: ReturnType<typeof consume>) => events.map(({ type }) => type);
const receiptOf = ({ events }: ReturnType<typeof consume>) => {
  const last = events.at(-1);
  return last?.type === 'done' ? last.summary.receipt : null;
};

describe('the control plane goes away', () => {
  it('in mid-answer: it ends whole, the next question is answered without leave, and one after its return is signed for', async () => {
    const engine = new ScriptedEngine(['a', 'b', 'c']);
    await w.provide(engine);
    const requester = await w.join();
    let goOn = () => {};
    engine.hold = new Promise((resolve) => (goOn = resolve));
    const first = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect(engine.computing).toBe(1);
    await cut();
    engine.hold = null;
    goOn();
    await w.clock.advance(10);
    expect([first.text, receiptOf(first)]).toEqual(['abc', 'signed']);

    const matches = () => w.server.received.filter((type) => type === 'match').length;
    const before = matches();
    const second = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect([second.text, receiptOf(second), second.error]).toEqual(['abc', 'none', null]);
    expect(matches()).toBe(before);

    w.server.comeBack();
    w.network.introduces = true;
    await w.clock.advance(20_000);
    const third = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect([third.text, receiptOf(third)]).toEqual(['abc', 'signed']);
    // What was signed for while there was nobody to file it with is there, too.
    const signed = w.server.filed.filter(({ by }) => by === requester.self);
    expect(signed).toHaveLength(2);
  });

  it('for less than a second: the question waits for it, and is signed for', async () => {
    await w.provide(new ScriptedEngine(['x']));
    const requester = await w.join();
    const warm = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect(warm.text).toBe('x');
    w.server.goAway();
    w.server.comeBack();
    const asked = consume(requester.ask(question(), never));
    await w.clock.advance(3_000);
    expect([asked.text, receiptOf(asked)]).toEqual(['x', 'signed']);
  });

  it('without a word, its sockets open: all find out, and the question is answered without leave', async () => {
    const provider = await w.provide(new ScriptedEngine(['x']));
    const requester = await w.join();
    const warm = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect(warm.text).toBe('x');
    w.server.hangs = true;
    await w.clock.advance(80_000);
    expect([requester.control.state, provider.mesh.control.state]).toEqual(['connecting', 'connecting']);
    const asked = consume(requester.ask(question(), never));
    await w.clock.advance(1_000);
    expect([asked.text, receiptOf(asked), asked.error]).toEqual(['x', 'none', null]);
    w.server.hangs = false;
    await w.clock.advance(30_000);
    expect(requester.control.state).toBe('open');
  });

  it('and nobody is known: the question is given back, as the mesh cannot be reached', async () => {
    const requester = await w.join();
    await cut();
    const asked = consume(requester.ask(question(), never));
    await w.clock.advance(6_000);
    expect(asked.error?.code).toBe('control_unreachable');
  });

  it('for the requester alone: volunteers refuse what has no leave, and it is said that the mesh cannot be reached', async () => {
    const provider = await w.provide(new ScriptedEngine(['x']));
    const requester = await w.join();
    const warm = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect(warm.text).toBe('x');
    w.server.goAway(requester.self);
    await w.clock.advance(OUTAGE_MS);
    expect([requester.control.state, provider.mesh.control.state]).toEqual(['connecting', 'open']);
    const asked = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect([asked.text, asked.error?.code]).toEqual(['', 'control_unreachable']);
  });

  it('and those one trusts alone may answer: no one else is asked', async () => {
    const trusted = await w.provide(new ScriptedEngine(['trusted']));
    const other = await w.provide(new ScriptedEngine(['other']));
    const requester = await w.join();
    const warm = consume(requester.ask(question(), never));
    await w.clock.advance(10);
    expect(warm.ended).toBe(true);
    await cut();
    await trusted.providing.stop();
    const asked = consume(requester.ask({ ...question(), only: [trusted.mesh.self] }, never));
    await w.clock.advance(10_000);
    expect([asked.text, asked.error?.code]).toEqual(['', 'provider_stopped']);
    expect(other.statuses.at(-1)?.tokens ?? 0).toBeLessThan(2);
  });
});

it('a third peer is reached through a mutual one', async () => {
  const middle = await w.provide(new ScriptedEngine(['b']));
  const far = await w.provide(new ScriptedEngine(['c']), 1, null, { ...advert, id: OTHER });
  const requester = await w.join();
  for (const warm of [
    consume(middle.mesh.ask({ ...question(), model: OTHER }, never)),
    consume(requester.ask({ ...question(), only: [middle.mesh.self] }, never)),
  ]) {
    await w.clock.advance(10);
    expect(warm.error).toBeNull();
  }
  await cut();
  const asked = consume(requester.ask({ ...question(), model: OTHER }, never));
  await w.clock.advance(10);
  expect([asked.text, asked.error]).toEqual(['c', null]);
  expect(typesOf(asked)[0]).toBe('provider');
  expect(asked.events[0]).toMatchObject({ candidate: { peerId: far.mesh.self } });
});

it('those who lend keep links to each other, and so have something to introduce through', async () => {
  w.neighbours = 2;
  const one = await w.provide(new ScriptedEngine(['b']));
  const other = await w.provide(new ScriptedEngine(['c']), 1, null, { ...advert, id: OTHER });
  // Somebody asks both: from there they know of each other.
  const gossip = await w.join();
  for (const warm of [
    consume(gossip.ask(question(), never)),
    consume(gossip.ask({ ...question(), model: OTHER }, never)),
  ]) {
    await w.clock.advance(10);
    expect(warm.error).toBeNull();
  }
  await w.clock.advance(180_000);
  await gossip.close();
  const requester = await w.join();
  const warm = consume(requester.ask({ ...question(), only: [one.mesh.self] }, never));
  await w.clock.advance(10);
  expect(warm.text).toBe('b');
  await cut();
  const asked = consume(requester.ask({ ...question(), model: OTHER }, never));
  await w.clock.advance(10);
  expect([asked.text, asked.error]).toEqual(['c', null]);
  expect(asked.events[0]).toMatchObject({ candidate: { peerId: other.mesh.self } });
});

/** Speaks for itself, over a link of its own. */
class Visitor {
  readonly heard: Message[] = [];
  readonly self = newPeerId();
  channel!: Channel;

  async dial(to: PeerId): Promise<MemoryLink | undefined> {
    const link = await w.network.join(this.self).dial(to, never);
    this.channel = new Channel(link, w.clock, { message: (_, message) => this.heard.push(message), closed() {} });
    return w.links.at(-1);
  }
}

it.each([true, false])('a peer is asked what it knows, and believed, when it proved who it is: %s', async (proven) => {
  const { mesh } = await w.provide(new ScriptedEngine(['x']));
  const [teller, reader] = [new Visitor(), new Visitor()];
  const far = await teller.dial(mesh.self);
  far!.proven = proven;
  await w.clock.advance(6_000);
  expect(teller.heard.map(({ kind }) => kind)).toEqual(proven ? ['REQUEST_PEERS'] : []);
  const peers = mesh.control.advertised.map((ours) => ({ ...ours, peerId: teller.self, ageSeconds: 0, linked: false }));
  teller.channel.send({ kind: 'KNOWN_PEERS', peers });
  // What nobody asked for says nothing, whoever says it.
  teller.channel.send({ kind: 'KNOWN_PEERS', peers: [] });
  await reader.dial(mesh.self);
  reader.channel.send({ kind: 'REQUEST_PEERS' });
  await w.clock.advance(10);
  const [news] = reader.heard;
  const told = news?.kind === 'KNOWN_PEERS' ? news.peers.map(({ peerId }) => peerId) : null;
  expect(told).toEqual(proven ? [mesh.self, teller.self] : [mesh.self]);
});

it('links stay open while none could be opened again, and are let go of when that is over', async () => {
  const provider = await w.provide(new ScriptedEngine(['x']));
  const requester = await w.join();
  const warm = consume(requester.ask(question(), never));
  await w.clock.advance(10);
  expect(warm.ended).toBe(true);
  await cut();
  await w.clock.advance(600_000);
  const asked = consume(requester.ask(question(), never));
  await w.clock.advance(10);
  expect(asked.text).toBe('x');
  w.server.comeBack();
  w.network.introduces = true;
  await w.clock.advance(600_000);
  expect(w.links.length).toBe(1);
  const again = consume(requester.ask(question(), never));
  await w.clock.advance(10);
  expect(again.text).toBe('x');
  expect(w.links.length).toBe(2);
  await provider.providing.stop();
});

it('a provider takes half of its slots without leave, and of one peer no more than two', async () => {
  const engine = new ScriptedEngine(['x']);
  const provider = await w.provide(engine, 8);
  const requesters = await Promise.all([w.join(), w.join(), w.join()]);
  for (const requester of requesters) consume(requester.ask(question(), never));
  await w.clock.advance(10);
  await cut();
  let goOn = () => {};
  engine.hold = new Promise((resolve) => (goOn = resolve));
  const asked = requesters.flatMap((requester) =>
    Array.from({ length: 3 }, () => consume(requester.ask(question(), never))),
  );
  await w.clock.advance(50);
  expect(provider.providing.status.busySlots).toBe(4);
  expect(asked.filter(({ error }) => error?.code === 'busy')).toHaveLength(5);
  goOn();
  await w.clock.advance(50);
  expect(asked.filter(({ text }) => text === 'x')).toHaveLength(4);
});
