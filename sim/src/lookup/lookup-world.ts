/**
 * Thousands of peers with the real lookup of core. Links are replaced by calls that arrive at once, and fail when the peer is
 * gone: a search sees no churn while it runs, but all that came before.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { contactOf } from '@llmesh/core/lookup/contact';
import { MAX_RECORD_LIFE_MS, writeLookupRecord } from '@llmesh/core/lookup/lookup-record';
import { Lookup } from '@llmesh/core/lookup/lookup';
import { compareDistance, placeOf, type Place } from '@llmesh/core/lookup/place';
import type { Reply } from '@llmesh/core/lookup/search';
import type { SeededRandom } from '../random.ts';

/** Peers that a newcomer is told of, or remembers. */
const ANCHORS = 8;
/** Liars answer with so many of their own: all that others read. */
const TOLD = 20;
const PATHS = 6;
const MAX_LIES = 1_000;
const STARTED_MS = 1_800_000_000_000;
const never = new AbortController().signal;

interface Inhabitant {
  readonly lookup: Lookup;
  readonly group: string;
}

export interface Published {
  readonly key: string;
  readonly secretKey: Uint8Array;
  readonly publisher: PeerId;
}

export class LookupWorld {
  readonly #random: SeededRandom;
  readonly #honest = new Map<PeerId, Inhabitant>();
  readonly #liars = new Map<PeerId, Inhabitant>();
  /** Lies that were thought of already: every search asks many liars the same. */
  readonly #lies = new BoundedMap<string, PeerId[]>(MAX_LIES);
  readonly published: Published[] = [];
  nowMs = STARTED_MS;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get honest(): readonly PeerId[] {
    return [...this.#honest.keys()];
  }

  lookupOf(peer: PeerId): Lookup {
    return this.#honest.get(peer)!.lookup;
  }

  isHonest(peer: PeerId): boolean {
    return this.#honest.has(peer);
  }

  /** In a network of its own, by anchors that it cannot choose: some of them lie. */
  async addHonest(id: PeerId = this.newId()): Promise<void> {
    await this.#add(id, id, this.#honest);
  }

  /** `networks`: among so many they all share theirs. They all know each other. */
  async addLiar(id: PeerId, networks: number): Promise<void> {
    await this.#add(id, `hostile ${Math.floor(this.#random.next() * networks)}`, this.#liars);
  }

  newId(): PeerId {
    return toBase32(this.#random.bytes(20)) as PeerId;
  }

  /** The best of `tries` ids: each costs the work of joining. */
  idNear(target: Place, tries: number): PeerId {
    let best = this.newId();
    for (let i = 1; i < tries; i++) {
      const id = this.newId();
      if (compareDistance(target, placeOf('peer', id), placeOf('peer', best)) < 0) best = id;
    }
    return best;
  }

  remove(peer: PeerId): void {
    this.#honest.delete(peer);
  }

  /** An honest peer offers something under a key of its own. */
  async offer(publisher: PeerId, key: string): Promise<void> {
    const offered = { key, secretKey: this.#random.bytes(32), publisher };
    this.published.push(offered);
    await this.publish(offered);
  }

  async publish({ key, secretKey, publisher }: Published): Promise<void> {
    const expiresAtMs = this.nowMs + MAX_RECORD_LIFE_MS;
    const record = await writeLookupRecord(
      { kind: 'content', key, expiresAtMs, addresses: [] },
      nodeIdentity(secretKey),
    );
    await this.lookupOf(publisher).publish('content', key, record, never);
  }

  /** Through how many peers a proven record was found; null: it was not. */
  async hopsTo(key: string, from: PeerId): Promise<number | null> {
    return (await this.lookupOf(from).find('content', key, 1, never)).hops;
  }

  /** Searches near one random place. */
  async refresh(peer: PeerId): Promise<void> {
    await this.lookupOf(peer).refresh(placeOf('peer', this.newId()), never);
  }

  async #add(id: PeerId, group: string, among: Map<PeerId, Inhabitant>): Promise<void> {
    const lookup = new Lookup({
      self: id,
      now: () => this.nowMs,
      verify: nodeVerify,
      ask: (peer, target) => this.#ask({ id, group }, peer, target),
      give: (peer, record) => this.#give(peer, record),
      paths: PATHS,
    });
    const there = [...this.#honest.keys(), ...this.#liars.keys()];
    among.set(id, { lookup, group });
    if (among === this.#liars) this.#lies.clear();
    if (there.length === 0) return;
    await lookup.join(
      Array.from({ length: ANCHORS }, () => this.#random.pick(there)),
      never,
    );
    for (let i = 0; i < 2; i++) await lookup.refresh(placeOf('peer', this.newId()), never);
  }

  async #ask(from: { id: PeerId; group: string }, peer: PeerId, target: Place): Promise<Reply> {
    const liar = this.#liars.get(peer);
    if (liar !== undefined) return { ...this.#lie(target), group: liar.group };
    const honest = this.#honest.get(peer);
    if (honest === undefined) throw new Error('Nobody is there.');
    honest.lookup.met({ ...contactOf(from.id), group: from.group });
    return { ...honest.lookup.answer(target), group: honest.group };
  }

  async #give(peer: PeerId, record: Uint8Array): Promise<boolean> {
    // A liar says that it keeps what it drops.
    if (this.#liars.has(peer)) return true;
    return this.#honest.get(peer)?.lookup.keep(record) ?? false;
  }

  /** The worst that ids which must be proven allow: nothing is kept, and of all peers only other liars are named, the nearest. */
  #lie(target: Place): Omit<Reply, 'group'> {
    const key = String.fromCharCode(...target);
    let peers = this.#lies.get(key);
    if (peers === undefined) {
      peers = [...this.#liars.keys()]
        .map(contactOf)
        .sort((a, b) => compareDistance(target, a.place, b.place))
        .slice(0, TOLD)
        .map(({ peer }) => peer);
      this.#lies.set(key, peers);
    }
    return { peers, records: [] };
  }
}
