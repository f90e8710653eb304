/**
 * A month of a mesh in which nobody cheats: volunteers who come and go by day and night, people who ask, most of whom lend
 * something, too, and newcomers who only ask. Who has credits goes first; of five turns, one is for those who have none.
 */
import { EPOCH_MS } from '@llmesh/core/ledger/emission';
import { workedPart } from '@llmesh/signaling/ledger/uptime';
import { jainIndex } from '../fairness.ts';
import { Economy } from './economy.ts';
import type { EconomyPeer } from './economy-peer.ts';
import { SimulatedPrice } from './demand.ts';

export interface MonthOptions {
  readonly seed: number;
  readonly peers: number;
  readonly days: number;
  /** Questions that somebody who asks has in a day, on average. */
  readonly questions: number;
}

type Kind = 'volunteers' | 'both' | 'askers';

interface Person {
  readonly peer: EconomyPeer;
  readonly kind: Kind;
  /** Hours of the day in which it lends. */
  readonly lends: number;
  readonly from: number;
  /** Questions in an hour, on average. */
  readonly asks: number;
  /** How often it is asked, beside one with a model that many want. */
  readonly wanted: number;
  /** The hour in which it joins. */
  readonly joins: number;
  answers: number;
  /** Answers that it gave, also free ones, and when it gave the last. */
  gave: number;
  gaveMs: number;
}

interface Waiting {
  readonly person: Person;
  readonly units: number;
  readonly sinceTick: number;
  readonly first: boolean;
}

const SHARES: readonly (readonly [Kind, number])[] = [
  ['volunteers', 0.25],
  ['both', 0.35],
  ['askers', 0.4],
];
/** So many of those who lend have a model that hardly anybody wants, and are asked so much more seldom. */
const QUIET_PART = 0.2;
const QUIET = 0.02;
const TICKS_AN_HOUR = 6;
const TICK_MS = EPOCH_MS / TICKS_AN_HOUR;
/** Answers that a volunteer gives in a tick: so few that in the evening there are not enough for all who ask. */
const TURNS = 0.3;
/** One of so many turns is for those who have no credits, if any of them waits. */
const UNFUNDED_TURN = 5;
const UNITS = { least: 30, most: 800 };
const MAX_UNITS = 1_024;
/** Half of the people are there on the first day; the others join within the first half of the time. */
const AT_ONCE = 0.5;

export interface Waits {
  readonly answers: number;
  /** Minutes. */
  readonly mean: number;
  readonly p99: number;
}

export interface MonthFigures {
  readonly peers: number;
  readonly days: number;
  readonly events: number;
  readonly answers: number;
  /** How many were paid for, of all. */
  readonly paid: number;
  readonly funded: Waits;
  readonly unfunded: Waits;
  /** How many of the newcomers' first questions were paid for. */
  readonly firstPaid: number;
  /** Questions that nobody had answered in the end. */
  readonly left: number;
  /** Micro-credits: given out by emission, and that as a share of what it would give at most. */
  readonly emitted: number;
  readonly treasury: number;
  readonly auditors: number;
  /** What each had in the end, on average, by kind. */
  readonly credits: Readonly<Record<Kind, number>>;
  /** Of what volunteers earned: what hours paid, and what they would have paid to whoever answered nobody that day. */
  readonly forHours: number;
  readonly forBeingThere: number;
  /** What the fifth of the lenders who answered least earned in an hour, for each credit of the fifth who answered most. */
  readonly idle: number;
  /** Jain's index of what those earned who lent, for each hour that they lent. */
  readonly evenness: number;
  /** Thousandths: the lowest, the highest, the last. */
  readonly demand: { readonly least: number; readonly most: number; readonly last: number };
}

export async function month(options: MonthOptions): Promise<MonthFigures> {
  const run = new Month(options);
  await run.run();
  return run.figures();
}

class Month {
  readonly #economy: Economy;
  readonly #options: MonthOptions;
  readonly #people: Person[];
  readonly #waits = { funded: [] as number[], unfunded: [] as number[] };
  readonly #price: SimulatedPrice;
  readonly #demand: number[] = [];
  readonly #hours = new Map<Person, number>();
  #funded: Waiting[] = [];
  #unfunded: Waiting[] = [];
  #firsts = { asked: 0, paid: 0 };
  #uptime = 0;
  #forBeingThere = 0;

  constructor(options: MonthOptions) {
    this.#options = options;
    this.#economy = new Economy(options.seed, () => true);
    this.#price = new SimulatedPrice(this.#economy.state);
    this.#people = this.#populate();
  }

  async run(): Promise<void> {
    for (let hour = 0; hour < this.#options.days * 24; hour++) await this.#hour(hour);
  }

  figures(): MonthFigures {
    const economy = this.#economy;
    const { funded, unfunded } = this.#waits;
    const of = (kind: Kind) => {
      const some = this.#people.filter((one) => one.kind === kind);
      return Math.round(economy.wealth(some.map(({ peer }) => peer)) / Math.max(1, some.length));
    };
    const lenders = this.#people.filter((one) => (this.#hours.get(one) ?? 0) > 0);
    const earned = lenders.reduce((sum, { peer }) => sum + economy.earned(peer), 0);
    return {
      peers: this.#options.peers,
      days: this.#options.days,
      events: economy.size,
      answers: funded.length + unfunded.length,
      paid: share(funded.length, funded.length + unfunded.length),
      funded: waitsOf(funded),
      unfunded: waitsOf(unfunded),
      firstPaid: share(this.#firsts.paid, this.#firsts.asked),
      left: this.#funded.length + this.#unfunded.length,
      emitted: -economy.balance('emission'),
      treasury: economy.balance('treasury'),
      auditors: economy.balance('auditors'),
      credits: { volunteers: of('volunteers'), both: of('both'), askers: of('askers') },
      forHours: share(this.#uptime, earned),
      forBeingThere: share(this.#forBeingThere, earned),
      idle: this.#idlest(lenders),
      evenness: round(jainIndex(lenders.map((one) => economy.earned(one.peer) / this.#hours.get(one)!))),
      demand: {
        least: Math.min(...this.#demand),
        most: Math.max(...this.#demand),
        last: this.#demand.at(-1) ?? 0,
      },
    };
  }

  #idlest(lenders: readonly Person[]): number {
    const hours = (one: Person) => this.#hours.get(one)!;
    const byWork = lenders.toSorted((a, b) => a.gave / hours(a) - b.gave / hours(b));
    const perHour = (some: readonly Person[]) =>
      some.reduce((sum, { peer }) => sum + this.#economy.earned(peer), 0) /
      some.reduce((sum, one) => sum + hours(one), 0);
    const some = Math.floor(byWork.length * QUIET_PART);
    return some === 0 ? 1 : round(perHour(byWork.slice(0, some)) / perHour(byWork.slice(-some)));
  }

  #populate(): Person[] {
    const { random } = this.#economy;
    const { peers, days, questions } = this.#options;
    return SHARES.flatMap(([kind, part]) =>
      Array.from({ length: Math.round(peers * part) }, () => ({
        peer: this.#economy.peer(`${random.bytes(3).join('.')}.1`),
        kind,
        lends: kind === 'volunteers' ? random.between(8, 24) : kind === 'both' ? random.between(2, 10) : 0,
        from: random.between(0, 24),
        // Few ask much: the mean of such numbers is 2.5 times the least.
        asks: kind === 'volunteers' ? 0 : (questions / 24) * random.logUniform(0.25, 2.5),
        joins: random.chance(AT_ONCE) ? 0 : Math.floor(random.between(0, days * 12)),
        wanted: random.chance(QUIET_PART) ? QUIET : 1,
        answers: 0,
        gave: 0,
        gaveMs: -Infinity,
      })),
    );
  }

  async #hour(hour: number): Promise<void> {
    const here = this.#people.filter(({ joins }) => joins <= hour);
    for (const { peer, joins } of here) {
      if (joins === hour) this.#economy.post({ kind: 'allowance', to: peer.id });
    }
    const present = here.filter(({ from, lends }) => (hour + 24 - from) % 24 < lends);
    for (let tick = 0; tick < TICKS_AN_HOUR; tick++) await this.#tick(hour * TICKS_AN_HOUR + tick, here, present);
    for (const one of present) this.#hours.set(one, (this.#hours.get(one) ?? 0) + 1);
    const before = this.#economy.wealth(present.map(({ peer }) => peer));
    const served = present.filter(({ peer }) => this.#economy.hasServed(peer));
    const shares = served.map(({ peer, gaveMs }) => [peer, 1_000 * workedPart(this.#economy.ms - gaveMs)] as const);
    this.#economy.uptime(shares);
    const paid = this.#economy.wealth(present.map(({ peer }) => peer)) - before;
    this.#uptime += paid;
    const all = shares.reduce((sum, [, part]) => sum + part, 0);
    if (all > 0) this.#forBeingThere += (paid * 1_000 * workedPart(Infinity) * shares.length) / all;
  }

  async #tick(tick: number, here: readonly Person[], present: readonly Person[]): Promise<void> {
    const { random } = this.#economy;
    const price = this.#price.now;
    for (const person of here) {
      for (let left = (person.asks * eveningOf(tick)) / TICKS_AN_HOUR; random.chance(left); left -= 1) {
        const units = Math.round(random.logUniform(UNITS.least, UNITS.most));
        const first = person.answers === 0;
        person.answers += 1;
        const waiting = { person, units, sinceTick: tick, first };
        (this.#economy.couldPay(person.peer, MAX_UNITS, price) ? this.#funded : this.#unfunded).push(waiting);
      }
    }
    const turns = Math.round(present.length * TURNS);
    let turn = 0;
    for (; turn < turns; turn++) {
      const free = turn % UNFUNDED_TURN === UNFUNDED_TURN - 1 && this.#unfunded.length > 0;
      const next = (free ? undefined : this.#funded.shift()) ?? this.#unfunded.shift();
      if (next === undefined) break;
      await this.#answer(next, present, tick, price);
    }
    // Who pays moves the price.
    this.#price.pass(TICK_MS, { busy: turn, waiting: this.#funded.length, slots: turns });
    this.#demand.push(this.#price.demand);
    this.#economy.pass(TICK_MS);
  }

  async #answer({ person, units, sinceTick, first }: Waiting, present: readonly Person[], tick: number, price: number) {
    if (present.every((one) => one === person)) return;
    const { random } = this.#economy;
    let provider = random.pick(present);
    while (provider === person || !random.chance(provider.wanted)) provider = random.pick(present);
    const match = await this.#economy.match(person.peer, [provider.peer], { maxUnits: MAX_UNITS, price });
    provider.gave += 1;
    provider.gaveMs = this.#economy.ms;
    // What was free is in no ledger.
    if (match.funded) await this.#economy.receive(match, provider.peer, units);
    this.#waits[match.funded ? 'funded' : 'unfunded'].push(((tick - sinceTick) * 60) / TICKS_AN_HOUR);
    if (first) {
      this.#firsts.asked += 1;
      if (match.funded) this.#firsts.paid += 1;
    }
  }
}

/** In the evening people ask twice as much, in the morning half as much, as on average. */
function eveningOf(tick: number): number {
  return 2 ** Math.sin((tick / (24 * TICKS_AN_HOUR)) * 2 * Math.PI);
}

function waitsOf(waits: readonly number[]): Waits {
  const sorted = waits.toSorted((a, b) => a - b);
  const sum = sorted.reduce((all, wait) => all + wait, 0);
  return {
    answers: sorted.length,
    mean: round(sum / Math.max(1, sorted.length)),
    p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
  };
}

function share(part: number, of: number): number {
  return of === 0 ? 0 : round(part / of);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
