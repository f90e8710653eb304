/**
 * Weeks of a mesh whose people keep office hours, and whose lenders unload what nobody asks for: how long the first word takes, with the
 * forecast and without. The registry, the matchmaker and the preloading are those of the control plane; lenders and people are a model.
 */
import { toBase32 } from '@llmesh/core/base/base32';
import type { Clock } from '@llmesh/core/base/clock';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { offerKey, readOfferKey } from '@llmesh/core/policy/offer-key';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { Matchmaker } from '@llmesh/signaling/match/matchmaker';
import { Preloading } from '@llmesh/signaling/match/preloading';
import { Reliability } from '@llmesh/signaling/match/reliability';
import type { RegisteredPeer } from '@llmesh/signaling/registry/registered-peer';
import { Registry } from '@llmesh/signaling/registry/registry';
import { quantiles, type Quantiles } from '../figures.ts';
import { SeededRandom } from '../random.ts';
import { VirtualClock } from '../virtual-clock.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday, at midnight. */
const START_MS = Date.UTC(2027, 0, 4);
/** The first days are for learning, and are not measured. */
const LEARNING_DAYS = 3;
/** As `llmesh worker --unload-after` is often set. */
const UNLOAD_MS = 600_000;
/** From a slow disk or a large model to a fast or small one, and until the first word once it is loaded. */
const [LOAD_MS, PREFILL_MS, ANSWER_MS] = [
  [8_000, 60_000],
  [300, 1_500],
  [5_000, 40_000],
] as const;
/** Questions for one model in the busiest hour. */
const PER_HOUR = 4;

export interface MorningsOptions {
  seed: number;
  days: number;
  models: number;
  /** Of each model. */
  lenders: number;
  forecast: boolean;
}

export interface MorningsFigures {
  questions: number;
  /** Milliseconds until the first word. */
  firstTokenMs: Quantiles;
  /** The same, of the first question for each model on each workday. */
  morningMs: Quantiles;
  /** The share of questions that waited for a model to be loaded. */
  waited: number;
  /** Hours that a lender has a model in memory, on average, a day. */
  loadedHoursADay: number;
}

class Lender {
  readonly peer: RegisteredPeer;
  readonly model: ModelId;
  readonly loadMs: number;
  loadedMs = 0;
  /** When it is in memory, or will be; null: it is not. */
  #readyMs: number | null = null;
  #freeMs = 0;
  #loadedSince = 0;
  readonly #world: Mornings;
  #stopTimer = () => {};

  constructor(world: Mornings, model: ModelId, loadMs: number) {
    this.#world = world;
    this.model = model;
    this.loadMs = loadMs;
    this.peer = world.registry.join(toBase32(world.ids.bytes(20)) as PeerId, 'native', `9.${world.lenders.length}.0.1`);
    this.#advertise();
  }

  /** When it could say the first word, but for reading the question. */
  readyFrom(nowMs: number): number {
    return Math.max(nowMs, this.#freeMs, this.#readyMs ?? nowMs + this.loadMs);
  }

  get isInMemory(): boolean {
    return this.#readyMs !== null;
  }

  load(): void {
    const nowMs = this.#world.clock.now();
    if (this.#readyMs !== null) return;
    this.#readyMs = nowMs + this.loadMs;
    this.#loadedSince = nowMs;
    this.#advertise();
    this.#leaveAfter(this.#readyMs);
  }

  answer(untilMs: number): void {
    this.load();
    this.#freeMs = untilMs;
    this.#leaveAfter(untilMs);
  }

  /** The time that it has been in memory so far. */
  get inMemoryMs(): number {
    return this.loadedMs + (this.#readyMs === null ? 0 : this.#world.clock.now() - this.#loadedSince);
  }

  #leaveAfter(untilMs: number): void {
    this.#stopTimer();
    const { clock } = this.#world;
    this.#stopTimer = clock.after(untilMs + UNLOAD_MS - clock.now(), () => {
      this.loadedMs = this.inMemoryMs;
      this.#readyMs = null;
      this.#advertise();
    });
  }

  #advertise(): void {
    const resting = this.#readyMs === null ? { wakesInMs: this.loadMs } : {};
    const file = { quant: 'q4', format: 'gguf', backend: 'cpu', sha256: null } as const;
    const advert = { ...file, contextTokens: 4_096, tokensPerSecond: 20, continues: 'ids', ...resting } as const;
    this.#world.advertise(this.peer, { id: this.model, name: this.model, ...advert });
  }
}

class Mornings {
  readonly clock = new VirtualClock();
  readonly registry: Registry;
  readonly lenders: Lender[] = [];
  readonly ids: SeededRandom;
  readonly #options: MorningsOptions;
  readonly #random: SeededRandom;
  readonly #preloading: Preloading;
  readonly #waits: { ms: number; first: boolean; waited: boolean }[] = [];
  readonly #asked = new Set<string>();

  constructor(options: MorningsOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.ids = this.#random.fork();
    // Whoever asks for the time of the registry finds everybody alive: heartbeats are not what this is about.
    this.registry = new Registry(this.#alive());
    const matchmaker = new Matchmaker(this.registry, new Reliability(this.clock), this.#random.fork().next);
    this.#preloading = new Preloading({
      ...{ clock: this.clock, registry: this.registry, matchmaker, waiting: () => 0 },
      ...(options.forecast && { now: () => START_MS + this.clock.now() }),
      expect: (provider, offer) => this.#lenderOf(provider, readOfferKey(offer).model)?.load(),
    });
    const random = this.#random.fork();
    for (let model = 0; model < options.models; model++) {
      for (let i = 0; i < options.lenders; i++) {
        this.lenders.push(new Lender(this, modelOf(model), random.logUniform(...LOAD_MS)));
      }
    }
  }

  async run(): Promise<MorningsFigures> {
    const { days, models } = this.#options;
    const people = this.#random.fork();
    for (let model = 0; model < models; model++) {
      for (const atMs of questionsOf(people.fork(), days))
        this.clock.after(atMs, () => this.#ask(modelOf(model), people));
    }
    await this.clock.run(days * DAY_MS);
    this.#preloading.close();
    const of = (some: readonly { ms: number }[]) => quantiles(some.map(({ ms }) => ms)) ?? { p50: 0, p95: 0, p99: 0 };
    const firsts = this.#waits.filter(({ first }) => first);
    const inMemoryMs = this.lenders.reduce((sum, lender) => sum + lender.inMemoryMs, 0);
    return {
      questions: this.#waits.length,
      ...{ firstTokenMs: of(this.#waits), morningMs: of(firsts) },
      waited: Number((this.#waits.filter(({ waited }) => waited).length / this.#waits.length).toFixed(3)),
      loadedHoursADay: Number((inMemoryMs / HOUR_MS / this.lenders.length / days).toFixed(2)),
    };
  }

  advertise(peer: RegisteredPeer, model: ModelAdvert): void {
    this.registry.advert(peer, { models: [model], slots: 1, certificate: null });
    this.registry.heartbeat(peer, { type: 'heartbeat', busySlots: 0, queued: 0, units: 0 });
  }

  #ask(model: ModelId, random: SeededRandom): void {
    const nowMs = this.clock.now();
    const offer = offerKey({ model });
    this.#preloading.asked(offer);
    const own = this.lenders.filter((lender) => lender.model === model);
    const best = own.reduce((a, b) => (b.readyFrom(nowMs) < a.readyFrom(nowMs) ? b : a));
    const waited = best.readyFrom(nowMs) > nowMs;
    const ms = best.readyFrom(nowMs) - nowMs + random.between(...PREFILL_MS);
    const answerMs = random.between(...ANSWER_MS);
    best.answer(nowMs + ms + answerMs);
    this.clock.after(ms + answerMs, () => this.#preloading.answered(offer, ms + answerMs));
    const day = Math.floor(nowMs / DAY_MS);
    const first = day % 7 < 5 && !this.#asked.has(`${model} ${day}`);
    this.#asked.add(`${model} ${day}`);
    if (day >= LEARNING_DAYS) this.#waits.push({ ms, first, waited });
  }

  #lenderOf(provider: PeerId, model: ModelId): Lender | null {
    return this.lenders.find(({ peer, model: own }) => peer.peerId === provider && own === model) ?? null;
  }

  #alive(): Clock {
    return { now: () => 0, after: (ms, run) => this.clock.after(ms, run) };
  }
}

export function mornings(options: MorningsOptions): Promise<MorningsFigures> {
  return new Mornings(options).run();
}

/** When somebody asks for a model: from eight to six on workdays, most in the morning, and a few at weekends. Thinning (Lewis and Shedler 1979). */
function questionsOf(random: SeededRandom, days: number): number[] {
  const times: number[] = [];
  for (let atMs = random.exponential(HOUR_MS / PER_HOUR); atMs < days * DAY_MS;) {
    if (random.chance(busyness(atMs))) times.push(atMs);
    atMs += random.exponential(HOUR_MS / PER_HOUR);
  }
  return times;
}

function busyness(atMs: number): number {
  const [day, hour] = [Math.floor(atMs / DAY_MS) % 7, (atMs % DAY_MS) / HOUR_MS];
  if (hour < 8 || hour >= 18) return 0.005;
  if (day >= 5) return 0.05;
  return hour < 11 ? 1 : hour < 13 ? 0.3 : 0.5;
}

function modelOf(number: number): ModelId {
  return `model-${number}` as ModelId;
}
