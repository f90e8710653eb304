/** A whole mesh on one clock: the real control plane and the real peers, with everything around them simulated. */
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Hardware, Work } from './engine.ts';
import { LIES } from './lies.ts';
import { SimNetwork } from './network.ts';
import { SimNode, type NodeOptions } from './node.ts';
import { Partitions, type Place } from './partitions.ts';
import { Question } from './questions.ts';
import { SeededRandom } from './random.ts';
import { SimServer } from './server.ts';
import { Trace } from './trace.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface WorldOptions {
  seed: number;
  providers: number;
  requesters: number;
  models: number;
  /** How often each requester asks, if its answers come in time: it asks again when it has one. */
  questionsPerMinute: number;
  /** The share of the requesters that have GREEDY_QUESTIONS under way at once and never pause. */
  greedy: number;
  /** The share of the questions that their requester takes back. */
  withdrawn: number;
  /** The share of the providers that go within a minute, each replaced by a new one a while later. */
  churnPerMinute: number;
  /** The share of those that say goodbye when they go; the others lose their power. */
  graceful: number;
  /** The share of the questions at which some provider's engine goes silent for good. */
  stalls: number;
  /** The share of the answers whose beginning is held up for some seconds. */
  hiccups: number;
  /** The share of the providers that claim to be five times as fast as they are. */
  slow: number;
  /** The share of the providers that lie, see `lies.ts`. */
  liars: number;
  partitionsPerMinute: number;
  /** How often the control plane restarts. */
  restartsPerMinute: number;
  /** Whether requesters have a second provider asked when the first is late or falls silent. */
  hedge: boolean;
  /** Whether an answer that broke off is continued elsewhere. */
  resume: boolean;
}

const SLOTS = 2;
const GREEDY_QUESTIONS = 6;
const REPLACED_AFTER_MS = 5_000;
/** Providers join one after the other, as people do. */
const ARRIVALS_MS = 10_000;
export const MINUTE_MS = 60_000;
const PROMPT_TOKENS = { least: 20, most: 1_000 };
const ANSWER_TOKENS = { least: 8, most: 400 };
const WITHDRAWN_WITHIN_MS = 20_000;
const PARTITION_MS = { least: 2_000, mean: 12_000, most: 60_000 };
const DOWN_MS = { least: 500, most: 15_000 };

export interface Provider {
  node: SimNode;
  hardware: Hardware;
}

export class World {
  readonly clock = new VirtualClock();
  readonly trace = new Trace(this.clock);
  readonly questions: Question[] = [];
  readonly providers = new Map<PeerId, Provider>();
  readonly work: Work = { promptTokens: 0, tokens: 0, faults: [] };
  readonly server: SimServer;
  /** The numbers of the requesters that all ask in the same way. */
  readonly alike: number[] = [];
  readonly #options: WorldOptions;
  readonly #random: SeededRandom;
  readonly #network: SimNetwork;
  readonly #partitions: Partitions;
  readonly #places = new Map<PeerId, Place>();
  readonly #addresses = new Map<PeerId, number>();
  readonly #requesters: SimNode[] = [];
  readonly #leaving = new Set<Promise<void>>();
  #busy = true;
  /** The troubles that are still to come, in the order in which they were decided. */
  readonly #planned = new Set<() => void>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#partitions = new Partitions(this.clock, (peer) => this.#place(peer));
    this.#network = new SimNetwork({
      clock: this.clock,
      delayMs: (a, b) => this.#distanceMs(a, b),
      opensAtMs: (a, b) => this.#partitions.opensAtMs(a, b),
    });
    this.server = new SimServer(this.clock, this.#random.fork());
  }

  /** Lets everybody join. From then on they ask and go as the clock runs. */
  async begin(): Promise<void> {
    const { providers, requesters, greedy, partitionsPerMinute, restartsPerMinute } = this.#options;
    for (let i = 0; i < providers; i++) this.#plan(this.#random.between(0, ARRIVALS_MS), () => this.#arrive(i));
    await this.clock.run(2 * ARRIVALS_MS);
    for (let i = 0; i < requesters; i++) {
      const node = this.#newNode();
      this.#requesters.push(node);
      const isGreedy = this.#random.chance(greedy);
      if (!isGreedy) this.alike.push(i);
      for (let j = 0; j < (isGreedy ? GREEDY_QUESTIONS : 1); j++) void this.#keepAsking(node, i, isGreedy);
    }
    this.#nowAndThen(partitionsPerMinute, (random) => this.#partition(random));
    this.#nowAndThen(restartsPerMinute, (random) => {
      this.trace.note('restart');
      void this.server.restart(random.between(DOWN_MS.least, DOWN_MS.most));
    });
  }

  /** Nobody joins, goes or asks any more, and running answers may end. */
  async quieten(): Promise<void> {
    this.#busy = false;
    for (const cancel of this.#planned) cancel();
    this.#planned.clear();
    for (let minutes = 0; minutes < 15 && this.#running; minutes++) await this.clock.run(MINUTE_MS);
    // Leases run out, and nobody waits for last words any more.
    await this.clock.run(3 * MINUTE_MS);
  }

  /** Makes everybody leave in good order. Returns how many never got away. */
  async dismantle(): Promise<number> {
    for (const node of this.#requesters) this.#goes(node.leave());
    for (const { node } of this.providers.values()) this.#goes(node.leave());
    await this.clock.run(MINUTE_MS);
    this.#goes(this.server.close());
    await this.clock.run(MINUTE_MS);
    return this.#leaving.size;
  }

  get #running(): boolean {
    return this.questions.some(({ outcome }) => outcome === 'running');
  }

  #arrive(index: number): void {
    const random = this.#random;
    const { models, churnPerMinute, hiccups, slow, liars, resume } = this.#options;
    const node = this.#newNode({
      slow: random.chance(slow),
      lie: random.chance(liars) ? random.pick(LIES) : null,
    });
    const hardware: Hardware = { slots: SLOTS, tokensPerSecond: random.between(4, 60), hiccups, stalled: false };
    node.provide(advertOf(index % models, hardware.tokensPerSecond, resume), hardware, this.work);
    this.providers.set(node.peerId, { node, hardware });
    this.trace.note('comes', node.peerId);
    if (churnPerMinute > 0) {
      this.#plan(random.exponential(MINUTE_MS / churnPerMinute), () => this.#go(node, index));
    }
  }

  #go(node: SimNode, index: number): void {
    this.providers.delete(node.peerId);
    const graceful = this.#random.chance(this.#options.graceful);
    this.trace.note(graceful ? 'leaves' : 'dies', node.peerId);
    this.#goes(graceful ? node.leave() : node.kill());
    this.#plan(REPLACED_AFTER_MS, () => this.#arrive(index));
  }

  #goes(leaving: Promise<void>): void {
    this.#leaving.add(leaving);
    void leaving.then(() => this.#leaving.delete(leaving));
  }

  async #keepAsking(node: SimNode, requester: number, greedy: boolean): Promise<void> {
    const random = this.#random.fork();
    const { questionsPerMinute, withdrawn, stalls, models, hedge } = this.#options;
    for (;;) {
      const pauseMs = greedy ? random.between(0, 1_000) : random.exponential(MINUTE_MS / questionsPerMinute);
      await new Promise<void>((resolve) => this.#plan(pauseMs, resolve));
      if (!this.#busy) return;
      const ask = {
        id: this.questions.length,
        promptTokens: Math.round(random.logUniform(PROMPT_TOKENS.least, PROMPT_TOKENS.most)),
        tokens: Math.round(random.between(ANSWER_TOKENS.least, ANSWER_TOKENS.most)),
      };
      const question = new Question(ask, requester, this.clock.now());
      this.questions.push(question);
      const model = modelId(Math.floor(random.next() * models));
      if (random.chance(stalls)) this.#stallSomebody(random);
      const taking = new AbortController();
      if (random.chance(withdrawn)) this.#plan(random.between(0, WITHDRAWN_WITHIN_MS), () => taking.abort());
      await node.ask(question, model, hedge, taking.signal);
    }
  }

  #stallSomebody(random: SeededRandom): void {
    const all = [...this.providers.values()];
    if (all.length > 0) random.pick(all).hardware.stalled = true;
  }

  #partition(random: SeededRandom): void {
    const { least, mean, most } = PARTITION_MS;
    const lastsMs = Math.min(most, least + random.exponential(mean));
    const from = random.chance(0.5) ? 'others' : 'server';
    const x = random.between(0.4, 0.9);
    this.trace.note('partition', from, x, lastsMs);
    this.#partitions.begin({ x, from, untilMs: this.clock.now() + lastsMs });
  }

  #nowAndThen(perMinute: number, happen: (random: SeededRandom) => void): void {
    const random = this.#random.fork();
    if (perMinute === 0) return;
    const next = () =>
      this.#plan(random.exponential(MINUTE_MS / perMinute), () => {
        happen(random);
        next();
      });
    next();
  }

  /** Runs it later, or never if the mesh falls quiet before. */
  #plan(afterMs: number, happen: () => void): void {
    const cancel = this.clock.after(afterMs, () => {
      this.#planned.delete(cancel);
      happen();
    });
    this.#planned.add(cancel);
  }

  #newNode(kind: Pick<NodeOptions, 'lie' | 'slow'> = {}): SimNode {
    return new SimNode({
      network: this.#network,
      random: this.#random.fork(),
      trace: this.trace,
      ...kind,
      openSocket: (self, up, lie) =>
        this.server.connect(
          {
            delayMs: this.#distanceMs(self, null),
            up,
            lie,
            opensAtMs: () => this.#partitions.opensAtMs(self, null),
          },
          this.#address(self),
        ),
    });
  }

  /** The delay one way: 10 ms of access, and up to 100 ms across the world. `null` is the control plane, in its middle. */
  #distanceMs(a: PeerId, b: PeerId | null): number {
    const [from, to] = [this.#place(a), b === null ? { x: 0.5, y: 0.5 } : this.#place(b)];
    return 10 + 70 * Math.hypot(from.x - to.x, from.y - to.y);
  }

  /** The address of a peer: each has a network of its own. */
  #address(peer: PeerId): string {
    let number = this.#addresses.get(peer);
    if (number === undefined) this.#addresses.set(peer, (number = this.#addresses.size));
    return `10.${number >> 8}.${number & 0xff}.1`;
  }

  #place(peer: PeerId): Place {
    let place = this.#places.get(peer);
    if (place === undefined) this.#places.set(peer, (place = { x: this.#random.next(), y: this.#random.next() }));
    return place;
  }
}

function modelId(index: number): ModelId {
  return `model-${index}` as ModelId;
}

function advertOf(index: number, tokensPerSecond: number, resume: boolean): ModelAdvert {
  const sha256 = index.toString(16).padStart(64, '0');
  return {
    id: modelId(index),
    name: `Model ${index}`,
    quant: 'q8',
    format: 'gguf',
    backend: 'cpu',
    contextTokens: 4096,
    sha256,
    tokensPerSecond,
    continues: resume ? 'ids' : 'none',
  };
}
