/** What `/api` says about credits: read from the store, as people are to see it. Whoever must be sure recounts the log. */
import { fromBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import { PARAMETERS, type ParameterName } from '@llmesh/core/governance/parameters';
import { LEASE_NONCE_BYTES, readLeases } from '@llmesh/core/receipts/lease';
import { readEvent } from '@llmesh/core/ledger/event';
import type { Account } from '@llmesh/core/ledger/account';
import { SUPPLY, type Micro } from '@llmesh/core/ledger/credit';
import { deliveryIn, type KnownDelivery } from '@llmesh/core/ledger/delivery';
import { earnedIn } from '@llmesh/core/ledger/earned';
import { emissionPart } from '@llmesh/core/ledger/rules/founding';
import { EPOCH_MS, epochOf, partScheduled } from '@llmesh/core/ledger/emission';
import {
  FOUNDED,
  accountKey,
  aliasKey,
  AT,
  counterpartiesKey,
  dayOf,
  daysKey,
  deliveryKey,
  earnedKey,
  FILED_WITHIN_DAYS,
  PROPOSALS,
  unbondingKey,
} from '@llmesh/core/ledger/keys';
import { closesMs, inForceMs, proposalsOf, standingOf } from '@llmesh/core/ledger/proposals';
import { MemoryState, type StateValue } from '@llmesh/core/ledger/state';
import type { Unbonding } from '@llmesh/core/ledger/rules/stake';
import { weightAt } from '@llmesh/core/ledger/rules/voting';
import { PRICE_VERSION } from '@llmesh/core/policy/price';
import {
  MAX_LEADERS,
  MAX_POSTINGS,
  MAX_PROPOSALS,
  type AccountPage,
  type Credits,
  type ParameterView,
  type PostingView,
  type ProposalView,
  type ReceiptPage,
} from '@llmesh/core/wire/credit-pages';
import type { Ledger } from '../ledger.ts';
import type { LedgerEntry } from '../ledger-store.ts';

/** The alias of a peer begins like this, and continues with its id. */
const ALIASES = aliasKey('' as PeerId);
/** Names that are looked at for the leaderboard. */
const MAX_NAMES = 10_000;
/** Releases that are told: at most one a day for 14 days. */
const MAX_RELEASES = 64;
/** Proofs of one delivery: several acknowledgements, and a receipt. */
const MAX_PROOFS = 64;

export interface LedgerPagesNeeds {
  ledger: Ledger;
  issuer: PeerId;
  /** The log's name. */
  origin: string;
  /** What its credits are called; left out or null: just that. */
  credit?: NonNullable<Credits['credit']> | null;
  /** Milliseconds since 1970. */
  now: () => number;
}

export class LedgerPages {
  readonly #needs: LedgerPagesNeeds;

  constructor(needs: LedgerPagesNeeds) {
    this.#needs = needs;
  }

  async credits(): Promise<Credits> {
    const { ledger, issuer, origin, credit = null, now } = this.#needs;
    const { store, size, final, mode } = ledger;
    const system = ['emission', 'treasury', 'auditors', 'burn'] as const;
    const state = await store.read([AT, FOUNDED, ...system.map(accountKey)]);
    const of = (account: Account) => Number(state.get(accountKey(account)) ?? 0);
    const [waits] = final < size ? await store.entries(final, 1) : [];
    return {
      ...{ mode, issuer, priceVersion: PRICE_VERSION, emitted: -of('emission'), supply: SUPPLY },
      ...{ treasury: of('treasury'), auditors: of('auditors'), burned: of('burn') },
      ...(credit !== null && { credit }),
      uptimePerHour: uptimePerHour(state, ledger.parameter('uptime-cap'), now()),
      parameters: this.#parameters(),
      log: { origin, size, final, lagMs: waits === undefined ? 0 : Math.max(0, now() - waits.ms) },
    };
  }

  async account(peer: PeerId): Promise<AccountPage> {
    const { ledger, now } = this.#needs;
    const keys = [aliasKey(peer), earnedKey(peer), unbondingKey(peer), daysKey(peer), counterpartiesKey(peer)];
    const state = await ledger.store.read(keys);
    const alias = state.get(aliasKey(peer));
    const { all, day, tasks, uptime, audits } = earnedIn(state.get(earnedKey(peer)));
    const isToday = day === dayOf(now());
    const unbonding = (state.get(unbondingKey(peer)) ?? []) as readonly Unbonding[];
    return {
      account: ledger.account(peer),
      alias: typeof alias === 'string' ? alias : null,
      today: isToday ? { tasks, uptime, audits } : { tasks: 0, uptime: 0, audits: 0 },
      earned: all,
      releases: unbonding.slice(0, MAX_RELEASES).map(([amount, atMs]) => ({ amount, atMs })),
      weight: weightAt(state, peer, dayOf(now())),
    };
  }

  /** The newest first; `before`: only those of earlier events. All of one event are on one page. */
  async postings(peer: PeerId, before: number): Promise<{ postings: PostingView[]; next?: number }> {
    const { ledger } = this.#needs;
    const { entries, next } = await ledger.history.of(peer, before, MAX_POSTINGS + 1);
    const postings: PostingView[] = [];
    for (const [i, entry] of entries.entries()) {
      const views = viewsOf(entry, peer, ledger.final);
      if (i === MAX_POSTINGS || postings.length + views.length > MAX_POSTINGS)
        return { postings, next: entries[i - 1]!.index };
      postings.push(...views);
    }
    return next === null ? { postings } : { postings, next };
  }

  /** Null: the ledger knows of no such delivery. */
  async receipt(lease: string): Promise<ReceiptPage | null> {
    const { ledger, now } = this.#needs;
    if (fromBase32(lease)?.byteLength !== LEASE_NONCE_BYTES) return null;
    const today = dayOf(now());
    const days = Array.from({ length: FILED_WITHIN_DAYS + 3 }, (_, back) => today + 1 - back);
    const found = await ledger.store.read(days.map((day) => deliveryKey(day, lease)));
    const [row] = found.values();
    const known = deliveryIn(row);
    if (known === null) return null;
    // The last proof changes no account where nothing is left to pay, so the history need not name it.
    const last = await ledger.history.entry(known.index);
    const { entries } = await ledger.history.of(known.provider, known.index, MAX_PROOFS);
    const all = last === null ? entries : [last, ...entries];
    const proofs = all.filter(({ kind, about }) => kind === 'earn' && about.lease === lease);
    const page = receiptPage(known, proofs, ledger.final);
    return page === null ? null : { ...page, priceVersion: await this.#priceVersion(known.index) };
  }

  /** Those who have given themselves a name, by what they earned. */
  async leaderboard(): Promise<{ leaders: { peer: PeerId; alias: string; earned: Micro; units: number }[] }> {
    const { store } = this.#needs.ledger;
    const names = [...(await store.readAll(ALIASES))].slice(0, MAX_NAMES);
    const peers = names.map(([key]) => key.slice(ALIASES.length) as PeerId);
    const state = await store.read(peers.map(earnedKey));
    const leaders = names.map(([, alias], i) => {
      const { all: earned, units } = earnedIn(state.get(earnedKey(peers[i]!)));
      return { peer: peers[i]!, alias: String(alias), earned, units };
    });
    return { leaders: leaders.sort((a, b) => b.earned - a.earned).slice(0, MAX_LEADERS) };
  }

  async proposals(): Promise<{ proposals: ProposalView[] }> {
    const { ledger, now } = this.#needs;
    const state = new MemoryState();
    for (const [key, value] of await ledger.store.readAll(PROPOSALS)) state.set(key, value);
    const nowMs = now();
    const proposals = proposalsOf(state).map((proposal): ProposalView => {
      const { index, by, name: parameter, from, to, openedMs, tally, quorum, ballots } = proposal;
      const times = { openedMs, closesMs: closesMs(proposal), inForceMs: inForceMs(proposal) };
      return {
        index,
        by,
        parameter,
        from,
        to,
        ...times,
        state: standingOf(proposal, nowMs),
        ...tally,
        quorum,
        ballots,
      };
    });
    return { proposals: proposals.slice(0, MAX_PROPOSALS) };
  }

  /** As its lease says. The leaf of an old one is in the tiles alone: there, it is the present one that is told. */
  async #priceVersion(index: number): Promise<number> {
    const { store } = this.#needs.ledger;
    if (index < (await store.oldest()).leaf) return PRICE_VERSION;
    const [leaf] = await store.leaves(index, index + 1);
    const event = leaf === undefined ? null : readEvent(leaf);
    const leases = event?.kind === 'earn' ? readLeases(event.lease, () => true) : null;
    return leases?.priceVersion ?? PRICE_VERSION;
  }

  #parameters(): ParameterView[] {
    return (Object.keys(PARAMETERS) as ParameterName[]).map((name) => {
      const { min, max, step, unit, about } = PARAMETERS[name];
      return { name, value: this.#needs.ledger.parameter(name), min, max, step, unit, about };
    });
  }
}

/** At most the cap; and less once an epoch has less to give. */
function uptimePerHour(state: ReadonlyMap<string, StateValue>, cap: Micro, nowMs: number): Micro {
  const [, , first] = (state.get(AT) ?? [0, 0, epochOf(nowMs)]) as readonly [number, number, number];
  const epochs = epochOf(nowMs) - first;
  const part = emissionPart(state, 'uptime');
  const budget = partScheduled(epochs + 1, part) - partScheduled(epochs, part);
  return Math.floor((Math.min(cap, Math.max(0, budget)) * 3_600_000) / EPOCH_MS);
}

function viewsOf({ index, ms, postings, about }: LedgerEntry, peer: PeerId, final: number): PostingView[] {
  const { by, to, lease = null, model = null, units = null, why = '' } = about;
  const other = [by, to].find((one) => one !== undefined && one !== peer) ?? null;
  return postings
    .filter(({ account }) => account.endsWith(`:${peer}`))
    .map(({ account, amount, reason }) => ({
      ...{ index, ms, account: account.slice(0, account.indexOf(':')), amount, reason },
      ...{ other, lease, model, units, why, final: index < final },
    }));
}

/** `entries`: those of the proofs that are still kept. */
function receiptPage(
  known: KnownDelivery,
  entries: readonly LedgerEntry[],
  final: number,
): Omit<ReceiptPage, 'priceVersion'> | null {
  const last = entries.find(({ index }) => index === known.index);
  if (last === undefined) return null;
  const { task, model, price, proof } = last.about;
  if (task === undefined || model === undefined || price === undefined || proof === undefined) return null;
  const { index, requester, provider, units, paid, toProvider, reward: taskReward } = known;
  const sum = (account: Account) =>
    entries
      .flatMap(({ postings }) => postings)
      .reduce((all, posting) => (posting.account === account ? all + posting.amount : all), 0);
  return {
    ...{ index, ms: last.ms, requester, provider, task, model, units, price },
    ...{ paid, toProvider, toAuditors: sum('auditors'), toTreasury: sum('treasury'), taskReward },
    ...{ kind: proof, final: index < final },
  };
}
