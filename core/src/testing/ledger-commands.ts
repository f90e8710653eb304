/** Anything that peers and the control plane might do to a ledger, drawn by fast-check; most of it is not allowed. */
import fc from 'fast-check';
import type { Identity } from '../identity/identity.ts';
import { epochOf } from '../ledger/emission.ts';
import type { EventBody } from '../ledger/event.ts';
import type { LeaseOf, LedgerWorld } from './ledger-world.ts';

/** What happens next, told by small numbers: which peer, which other, which lease, how much. */
export interface Command {
  readonly what: (typeof COMMANDS)[number];
  readonly who: number;
  readonly other: number;
  readonly lease: number;
  readonly amount: number;
}

const COMMANDS = [
  'reserve',
  'receipt',
  'acknowledgement',
  'refund',
  'transfer',
  'stake',
  'unstake',
  'release',
  'allowance',
  'grant',
  'uptime',
  'storage',
  'audit-fee',
  'slash',
  'reverse',
  'undo',
  'wait',
] as const;

/** What is allowed only after something else was is drawn twice as often. */
const SELDOM: ReadonlySet<Command['what']> = new Set(['unstake', 'release', 'audit-fee']);

export function commands(peers: number, only: readonly Command['what'][] = COMMANDS): fc.Arbitrary<Command[]> {
  const peer = fc.nat({ max: peers - 1 });
  const command = fc.record({
    what: fc.constantFrom(...only, ...only.filter((what) => SELDOM.has(what))),
    who: peer,
    other: peer,
    lease: fc.nat({ max: 1 }),
    amount: fc.oneof(fc.integer({ min: 1, max: 2_000_000 }), fc.constantFrom(1, 3, 999, 1_000_000)),
  });
  return fc.array(command, { minLength: 40, maxLength: 100 });
}

/** The event that a command is in this world; null: time passes instead. */
export class Commander {
  readonly #world: LedgerWorld;
  readonly #peers: readonly Identity[];
  readonly #firstSeed: number;
  readonly #leases = new Map<string, LeaseOf>();

  /** `firstSeed`: of its leases; another one for each commander in a world. */
  constructor(world: LedgerWorld, peers: readonly Identity[], firstSeed = 0) {
    this.#world = world;
    this.#peers = peers;
    this.#firstSeed = firstSeed;
  }

  async eventOf({ what, who, other, lease, amount }: Command): Promise<EventBody | null> {
    const world = this.#world;
    const by = this.#peers[who]!;
    const to = this.#peers[other]!;
    const { peerId: peer } = by;
    if (what === 'wait') {
      world.ms += amount > 1_000_000 ? 16 * 86_400_000 : amount * 1_000;
      return null;
    }
    if (what === 'transfer') return world.order(by, { kind: what, to: to.peerId, amount });
    if (what === 'stake') return world.order(by, { kind: what, amount });
    if (what === 'unstake') return world.order(by, { kind: what, amount: Math.ceil(amount / 1_000) });
    if (what === 'release') return { kind: what, peer };
    if (what === 'allowance') return { kind: what, to: peer };
    if (what === 'grant') return { kind: what, to: peer, amount, reason: '' };
    if (what === 'uptime') {
      return { kind: what, epoch: epochOf(world.ms) - 1, shares: [[peer, Math.min(amount, 1_000)]] };
    }
    if (what === 'storage') {
      if (to === by) return null;
      const report = await world.storageReport(by, to, { sizeBytes: amount * 40_000 });
      return { kind: what, epoch: epochOf(world.ms) - 1, shares: [[peer, Math.min(amount, 1_000), report]] };
    }
    const paper = await this.#lease(lease, by);
    const nonce = paper.nonceOf(to);
    if (what === 'reserve') return { ...this.#hold(paper), kind: what, amount, untilS: paper.leases.expiresAt + 900 };
    if (what === 'refund') return { ...this.#hold(paper), kind: what };
    if (what === 'receipt') return world.receipt(paper, to, amount);
    if (what === 'acknowledgement') return world.acknowledgement(paper, to, amount);
    const auditors = this.#peers.filter((one) => one !== to && one !== by).slice(-2);
    const reports = await Promise.all(auditors.map((auditor) => world.report(paper, to, auditor)));
    const file = 'ab'.repeat(32);
    if (what === 'audit-fee') return { kind: what, report: reports[amount % reports.length]! };
    const about = { provider: to.peerId, file, reason: '' };
    if (what === 'slash') return { kind: what, ...about, model: paper.leases.model, reports };
    return { kind: 'reverse', ...about, leases: [nonce], undo: what === 'undo' };
  }

  #hold({ hold, leases }: LeaseOf) {
    return { hold, payer: leases.requester };
  }

  async #lease(number: number, requester: Identity): Promise<LeaseOf> {
    const name = `${number} ${requester.peerId}`;
    const known = this.#leases.get(name);
    if (known !== undefined) return known;
    const providers = this.#peers.filter((one) => one !== requester);
    const seed = this.#firstSeed + number * 100 + this.#peers.indexOf(requester);
    const paper = await this.#world.lease(seed, requester, [...providers, requester]);
    this.#leases.set(name, paper);
    return paper;
  }
}
