/** A whole mesh on one clock: the real control plane and the real peers, with everything around them simulated. */
import type { ModelAdvert } from '@llmesh/core/control-protocol';
import type { ModelId, PeerId } from '@llmesh/core/ids';
import type { Hardware } from './engine.ts';
import { SimNetwork } from './network.ts';
import { SimNode } from './node.ts';
import { Question } from './questions.ts';
import { SeededRandom } from './random.ts';
import { SimServer } from './server.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface WorldOptions {
  seed: number;
  providers: number;
  requesters: number;
  models: number;
  /** Share of the providers that go within a minute, each replaced by a new one a while later. */
  churnPerMinute: number;
  /** Of those that go, so many say goodbye; the others lose their power. */
  graceful: number;
  /** Share of the questions at which some provider's engine goes silent for good. */
  stalls: number;
  /** Each requester asks again so long after its last answer, on average. */
  pauseSeconds: number;
}

const SLOTS = 2;
const REPLACED_AFTER_MS = 5_000;
/** Providers come in one after the other, as people do. */
const ARRIVALS_MS = 10_000;
const MINUTE_MS = 60_000;
const QUIET_MINUTES = 10;

interface Provider {
  node: SimNode;
  hardware: Hardware;
}

export class World {
  readonly clock = new VirtualClock();
  readonly questions: Question[] = [];
  readonly #options: WorldOptions;
  readonly #random: SeededRandom;
  readonly #network: SimNetwork;
  readonly #server: SimServer;
  readonly #providers = new Map<PeerId, Provider>();
  readonly #places = new Map<PeerId, { x: number; y: number }>();
  #busy = true;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#network = new SimNetwork(this.clock, (a, b) => this.#distanceMs(a, b));
    this.#server = new SimServer(this.clock, this.#random.fork());
  }

  /** Everybody comes; then `minutes` of asking and going. */
  async run(minutes: number): Promise<void> {
    for (let i = 0; i < this.#options.providers; i++) {
      this.clock.after(this.#random.between(0, ARRIVALS_MS), () => this.#arrive(i));
    }
    await this.clock.run(2 * ARRIVALS_MS);
    for (let i = 0; i < this.#options.requesters; i++) void this.#keepAsking(this.#newNode());
    await this.clock.run(minutes * MINUTE_MS);
  }

  /** Nobody comes, goes or asks any more, and what runs may end. Returns what is then still not as it should be. */
  async quieten(): Promise<string[]> {
    this.#busy = false;
    await this.clock.run(QUIET_MINUTES * MINUTE_MS);
    const faults = this.questions.flatMap(({ id, faults: own }) => own.map((fault) => `question ${id}: ${fault}`));
    for (const { id, outcome } of this.questions) if (outcome === 'running') faults.push(`question ${id} never ended`);
    for (const { node } of this.#providers.values()) {
      const { busySlots, queued } = node.providing!.status;
      if (busySlots + queued > 0) faults.push(`${node.peerId} still has ${busySlots} busy slots and ${queued} waiting`);
    }
    const { busySlots, queued } = this.#server.totals();
    if (busySlots + queued > 0) faults.push(`the registry still counts ${busySlots} busy slots and ${queued} waiting`);
    return faults;
  }

  #arrive(index: number): void {
    if (!this.#busy) return;
    const random = this.#random;
    const node = this.#newNode();
    const hardware: Hardware = { tokensPerSecond: random.between(4, 60), stalled: false };
    node.provide(advertOf(index % this.#options.models, hardware.tokensPerSecond), SLOTS, hardware);
    this.#providers.set(node.peerId, { node, hardware });
    const { churnPerMinute } = this.#options;
    if (churnPerMinute > 0) {
      this.clock.after(random.exponential(MINUTE_MS / churnPerMinute), () => this.#go(node, index));
    }
  }

  #go(node: SimNode, index: number): void {
    if (!this.#busy) return;
    this.#providers.delete(node.peerId);
    void (this.#random.chance(this.#options.graceful) ? node.leave() : node.kill());
    this.clock.after(REPLACED_AFTER_MS, () => this.#arrive(index));
  }

  async #keepAsking(node: SimNode): Promise<void> {
    const random = this.#random.fork();
    for (;;) {
      await this.clock.sleep(random.exponential(this.#options.pauseSeconds * 1000));
      if (!this.#busy) return;
      const question = new Question(this.questions.length, Math.round(random.between(8, 400)), this.clock.now());
      this.questions.push(question);
      if (random.chance(this.#options.stalls)) this.#stallSomebody(random);
      await node.ask(question, modelId(Math.floor(random.next() * this.#options.models)), new AbortController().signal);
    }
  }

  #stallSomebody(random: SeededRandom): void {
    const all = [...this.#providers.values()];
    if (all.length > 0) random.pick(all).hardware.stalled = true;
  }

  #newNode(): SimNode {
    return new SimNode({
      network: this.#network,
      random: this.#random.fork(),
      openSocket: (self, alive) => this.#server.connect(this.#distanceMs(self, null), alive),
    });
  }

  /** Half a round trip: 5 ms of access at each end, and up to 100 ms across the world. `null` is the server, in its middle. */
  #distanceMs(a: PeerId, b: PeerId | null): number {
    const [from, to] = [this.#place(a), b === null ? { x: 0.5, y: 0.5 } : this.#place(b)];
    return 10 + 70 * Math.hypot(from.x - to.x, from.y - to.y);
  }

  #place(peer: PeerId): { x: number; y: number } {
    let place = this.#places.get(peer);
    if (place === undefined) this.#places.set(peer, (place = { x: this.#random.next(), y: this.#random.next() }));
    return place;
  }
}

function modelId(index: number): ModelId {
  return `model-${index}` as ModelId;
}

function advertOf(index: number, tokensPerSecond: number): ModelAdvert {
  const sha256 = index.toString(16).padStart(64, '0');
  return {
    ...{ id: modelId(index), name: `Model ${index}`, quant: 'q8', format: 'gguf', backend: 'cpu' },
    ...{ contextTokens: 4096, sha256, tokensPerSecond, continues: 'ids' },
  };
}
