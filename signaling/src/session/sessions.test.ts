/** Sessions at two instances over one hub. Whoever is a member here writes down what it is told. */
import { describe, expect, test } from 'vitest';
import { newPeerId, type ModelId, type PeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { Cluster } from '../cluster/cluster.ts';
import { MemoryHub } from '../cluster/memory-hub.ts';
import { LEASE_MS } from '../cluster/presence.ts';
import { networksOf } from '../sockets/address.ts';
import { DepartureNews } from './departure-news.ts';
import { Sessions, type Member } from './sessions.ts';

/** Hears what a session would, and leaves when it is replaced. */
class Recorder implements Member {
  readonly from = networksOf('192.0.2.1');
  readonly heard: string[] = [];
  isHere = true;
  readonly #sessions: Sessions;
  readonly #peer: PeerId;

  constructor(sessions: Sessions, peer: PeerId) {
    this.#sessions = sessions;
    this.#peer = peer;
  }

  tell(): void {}

  hear(notice: { type: string }): boolean {
    this.heard.push(notice.type);
    return true;
  }

  gone(provider: PeerId): void {
    this.heard.push(`gone ${provider}`);
  }

  credits(): void {
    this.heard.push('credits');
  }

  replaced(): void {
    this.heard.push('replaced');
    this.leave();
  }

  leave(): void {
    this.isHere = false;
    this.#sessions.leave(this.#peer, this);
  }
}

function setUp() {
  const clock = new ManualClock();
  const hub = new MemoryHub(clock);
  const [near, far] = [hub.join(), hub.join()];
  const at = (cluster: Cluster) => {
    const sessions = new Sessions(clock, cluster);
    const enter = (peer: PeerId) => {
      const member = new Recorder(sessions, peer);
      sessions.enter(peer, member);
      return { member, announced: sessions.announce(peer, member) };
    };
    return { sessions, enter };
  };
  return { clock, near, far, at, peer: newPeerId() };
}

describe('of one peer', () => {
  test('the newest session stays, at the same instance or another', async () => {
    const { near, far, at, peer } = setUp();
    const [here, there] = [at(near), at(far)];
    const first = here.enter(peer);
    expect(await first.announced).toBe(true);
    const second = here.enter(peer);
    expect(await second.announced).toBe(true);
    expect([first.member.heard, second.member.heard]).toEqual([['replaced'], []]);
    const third = there.enter(peer);
    expect(await third.announced).toBe(true);
    await expect.poll(() => second.member.heard).toEqual(['replaced']);
    expect(await near.presence.find(peer)).toMatchObject({ instance: far.instance });
    expect([here.sessions.find(peer), there.sessions.find(peer)]).toEqual([null, third.member]);
  });

  test('one session is left of many that begin at once, and it is the one that others find', async () => {
    const { near, far, at, peer } = setUp();
    const places = [at(near), at(far)];
    const all = Array.from({ length: 21 }, (_, i) => places[i % 2]!.enter(peer));
    await Promise.all(all.map(({ announced }) => announced));
    await expect.poll(() => all.filter(({ member }) => member.isHere).length).toBe(1);
    const [left] = all.filter(({ member }) => member.isHere);
    const where = await near.presence.find(peer);
    const sessions = places[[near.instance, far.instance].indexOf(where!.instance)]!.sessions;
    expect(sessions.find(peer)).toBe(left!.member);
  });

  test('a session that is replaced before it knows its own number ends all the same', async () => {
    const { near, far, at, peer } = setUp();
    let answer: (() => void) | null = null;
    const { presence } = near;
    const slow: Cluster = {
      ...near,
      presence: {
        depart: (who, session) => presence.depart(who, session),
        find: (who) => presence.find(who),
        renew: () => presence.renew(),
        close: () => presence.close(),
        arrive: async (who) => {
          const arrived = await presence.arrive(who);
          await new Promise<void>((resolve) => (answer = resolve));
          return arrived;
        },
      },
    };
    const older = at(slow).enter(peer);
    await expect.poll(() => answer).not.toBeNull();
    const newer = at(far).enter(peer);
    expect(await newer.announced).toBe(true);
    answer!();
    expect(await older.announced).toBe(false);
    expect([older.member.heard, newer.member.heard]).toEqual([['replaced'], []]);
    expect(await near.presence.find(peer)).toMatchObject({ instance: far.instance });
  });

  test('a session that leaves while it is announced is found nowhere', async () => {
    const { near, at, peer } = setUp();
    const { enter } = at(near);
    const { member, announced } = enter(peer);
    member.leave();
    expect(await announced).toBe(false);
    await expect.poll(() => near.presence.find(peer)).toBeNull();
  });
});

test('a peer is told of what concerns it at whichever instance it is, as long as that is alive', async () => {
  const { clock, near, far, at, peer } = setUp();
  const [here, there] = [at(near), at(far)];
  const { member, announced } = there.enter(peer);
  await announced;
  const notice = { type: 'expect', model: 'm' as ModelId } as const;
  expect([await here.sessions.isAnywhere(peer), await here.sessions.isAnywhere(newPeerId())]).toEqual([true, false]);
  expect(await here.sessions.post.reach(peer, notice)).toBe(true);
  await clock.advance(3 * LEASE_MS);
  expect(await here.sessions.post.reach(peer, notice)).toBe(true);
  expect(member.heard).toEqual(['expect', 'expect']);
  await there.sessions.close();
  await clock.advance(LEASE_MS);
  expect([await here.sessions.isAnywhere(peer), await here.sessions.post.reach(peer, notice)]).toEqual([false, false]);
});

test('whoever was told of a provider hears that it has left, wherever either of them was, and once', async () => {
  const { near, far, at, peer } = setUp();
  const [here, there] = [at(near), at(far)];
  const [newsHere, newsThere] = [new DepartureNews(near, here.sessions), new DepartureNews(far, there.sessions)];
  const [provider, other] = [newPeerId(), newPeerId()];
  const requester = here.enter(peer).member;
  newsHere.named(peer, [provider, other]);
  newsThere.left(provider);
  await expect.poll(() => requester.heard).toEqual([`gone ${provider}`]);
  newsHere.left(other);
  expect(requester.heard).toEqual([`gone ${provider}`, `gone ${other}`]);
  newsHere.left(provider);
  newsThere.left(other);
  await near.broker.tell('departed', 'nonsense');
  newsHere.named(peer, [provider]);
  newsThere.left(provider);
  await expect.poll(() => requester.heard.length).toBe(3);
  await newsHere.close();
  await newsThere.close();
});
