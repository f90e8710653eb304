/** The matchmaker alone, in this process: what one core matches while providers come, go and get busy. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { realClock } from '@llmesh/core/base/clock';
import { newPeerId, type PeerId } from '@llmesh/core/base/ids';
import { networksOf } from '@llmesh/signaling/sockets/address';
import { Matchmaker } from '@llmesh/signaling/match/matchmaker';
import { Registry } from '@llmesh/signaling/registry/registry';
import { Reliability } from '@llmesh/signaling/match/reliability';
import { SlotPromises } from '@llmesh/signaling/match/slot-promises';
import { MatchQueues } from '@llmesh/signaling/match/match-queues';
import { modelName, someBusy, type FleetProvider } from './provider-fleet.ts';
import { loadOf, type RegisteredPeer } from '@llmesh/signaling/registry/registered-peer';

const ASKERS = 1_000;
/** A provider leaves and is back at once, with every so many matches. */
const MATCHES_PER_REJOIN = 100;

export class LocalMatches {
  readonly bytesPerProvider: number;
  readonly #registry = new Registry(realClock);
  readonly #queues: MatchQueues;
  readonly #peers: RegisteredPeer[];
  readonly #requesters = Array.from({ length: ASKERS }, (_, i) => ({
    peer: newPeerId(),
    from: networksOf(`10.${i >> 8}.${i & 255}.1`),
  }));
  readonly #fleet: readonly FleetProvider[];
  readonly #models: number;
  readonly #random: () => number;
  #requestId = 0;

  constructor(providers: readonly FleetProvider[], models: number, random: () => number) {
    this.#fleet = providers;
    this.#models = models;
    this.#random = random;
    const registry = this.#registry;
    const matchmaker = new Matchmaker(registry, new Reliability(realClock), random);
    const promises = new SlotPromises(realClock, registry);
    this.#queues = new MatchQueues({ clock: realClock, registry, matchmaker, promises, changed() {} });
    const before = heapBytes();
    this.#peers = providers.map((provider) => this.#join(provider));
    this.bytesPerProvider = Math.round((heapBytes() - before) / providers.length);
  }

  /** Makes each match with two heartbeats: a provider shows the task that it was sent, another one has finished. */
  run(matches: number): { seconds: number; matchMs: number[] } {
    const matchMs: number[] = [];
    let sentTo: PeerId | null = null;
    const matched = ([first]: readonly { peerId: PeerId }[]) => {
      sentTo = first?.peerId ?? null;
    };
    const queued = () => {
      throw new Error('all are busy: these figures would be about waiting');
    };
    const startMs = performance.now();
    for (let i = 0; i < matches; i++) {
      const requestId = this.#requestId++;
      const { peer: requester, from } = this.#requesters[requestId % ASKERS]!;
      const model = modelName(Math.floor(this.#random() * this.#models));
      const beganMs = performance.now();
      this.#queues.ask({
        requestId,
        requester,
        from,
        model,
        exclude: [],
        only: null,
        prefer: null,
        pays: () => requestId % 2 === 0,
        matched,
        queued,
        refused: queued,
      });
      matchMs.push(performance.now() - beganMs);
      const provider = sentTo === null ? null : this.#registry.find(sentTo);
      if (provider !== null) this.#beat(provider, provider.busySlots + 1);
      const place = Math.floor(this.#random() * this.#peers.length);
      this.#beat(this.#peers[place]!, someBusy(this.#peers[place]!.slots, this.#random));
      if (i % MATCHES_PER_REJOIN === 0) {
        this.#registry.leave(this.#peers[place]!);
        this.#queues.left(this.#peers[place]!);
        this.#peers[place] = this.#join(this.#fleet[place]!);
      }
    }
    return { seconds: (performance.now() - startMs) / 1000, matchMs };
  }

  /** Makes all providers look as if they had just beaten, since nobody did between two rounds. */
  refresh(): void {
    for (const peer of this.#peers) this.#registry.heard(peer);
  }

  close(): void {
    this.#queues.close();
  }

  #join({ id, model, slots, busySlots }: FleetProvider): RegisteredPeer {
    const peer = this.#registry.join(id, 'native');
    // It is a fresh text, like one that came over a socket.
    this.#registry.advert(peer, { models: [{ ...model }], slots, certificate: null });
    this.#beat(peer, busySlots);
    return peer;
  }

  #beat(peer: RegisteredPeer, busySlots: number): void {
    this.#registry.heard(peer);
    const before = loadOf(peer);
    this.#registry.heartbeat(peer, { type: 'heartbeat', busySlots, queued: 0, units: 20 });
    this.#queues.begun(peer, loadOf(peer) - before);
  }
}

function heapBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
