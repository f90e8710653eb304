/**
 * The one place that changes accounts: takes a batch of events, tries one after the other, and writes those that the
 * projection allows, all in one transaction. Never runs twice at once.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Evidence } from '@llmesh/core/ledger/evidence';
import { writeEvent, type EventBody, type LedgerEvent } from '@llmesh/core/ledger/event';
import { accountKey, AT, holdKey, ISSUER } from '@llmesh/core/ledger/keys';
import type { Posting } from '@llmesh/core/ledger/posting';
import { applyEvidence, begin } from '@llmesh/core/ledger/projection';
import type { StateValue } from '@llmesh/core/ledger/state';
import type { DeliveryChange } from '../receipts/delivery-store.ts';
import { aboutEvidence } from './about.ts';
import { keysOf } from './keys-of.ts';
import type { Appended } from './ledger-port.ts';
import type { LedgerBatch, LedgerHead, LedgerStore } from './ledger-store.ts';
import { incoming, Pending } from './pending.ts';
import { ACCOUNTS, Unread, WorkingState } from './working-state.ts';

/** An event that somebody wants, with what its signed bytes say, checked. */
export interface Asked {
  readonly body: EventBody;
  /** When it happened, in milliseconds since 1970; left out: now. */
  readonly ms?: number;
  readonly evidence: (ms: number) => Evidence;
}

/**
 * Deliveries that were filed, as events. Their signatures and everything else about them were checked then, so what is
 * known of them is evidence enough; the signed bytes go into the log, where strangers check them again.
 */
export function askedBy(changes: readonly DeliveryChange[]): Asked[] {
  return changes.flatMap(({ lease, proof, delivery }) => {
    // What was free when it was leased is in no ledger.
    if (delivery === null || delivery.price === 0) return [];
    return [{ body: { kind: 'earn', lease, proof }, evidence: (ms) => ({ kind: 'earn', ms, delivery }) }];
  });
}

/** What became of each, in the order of the batch. */
export type Result = Appended | Error;

export interface Projected {
  readonly results: readonly Result[];
  readonly appended: readonly Appended[];
  /** What changed in the state. */
  readonly changes: ReadonlyMap<string, StateValue | undefined>;
}

/** Only final credits may leave an account by these. What a delivery costs was put aside before. */
const SPENDS: ReadonlySet<EventBody['kind']> = new Set(['reserve', 'order']);
const FREE = 'free:';
/** Events that are read at one time when the ledger is opened. */
const PENDING_AT_ONCE = 1_000;

export class Projector {
  readonly state: WorkingState;
  readonly pending: Pending;
  readonly #store: LedgerStore;
  #head: LedgerHead;

  private constructor(store: LedgerStore, head: LedgerHead, state: WorkingState) {
    this.#store = store;
    this.#head = head;
    this.state = state;
    this.pending = new Pending(head.final);
  }

  /** Rejects with order_refused when this is the ledger of another control plane. */
  static async open(store: LedgerStore, issuer: PeerId): Promise<Projector> {
    const head = await store.head();
    const projector = new Projector(store, head, new WorkingState(await store.readAll(ACCOUNTS)));
    await projector.#begin(issuer);
    for (let at = head.final; at < head.size;) {
      const entries = await store.entries(at, PENDING_AT_ONCE);
      for (const { index, postings } of entries) projector.pending.add(index, postings);
      at = (entries.at(-1)?.index ?? head.size) + 1;
    }
    return projector;
  }

  get head(): LedgerHead {
    return this.#head;
  }

  /**
   * `posted`: with this batch, deliveries up to this change are dealt with. Rejects when the store cannot write, and then
   * nothing has happened. `accept` throws for results of which nothing is to be written.
   */
  async project(
    asked: readonly Asked[],
    posted: number,
    nowMs: number,
    accept: (results: readonly Result[]) => void = () => {},
  ): Promise<Projected> {
    const ms = Math.max(this.#head.lastMs, Math.floor(nowMs));
    const { size } = this.#head;
    try {
      const tried = await this.#try(asked, ms);
      const { appended, entries } = tried;
      accept(tried.results);
      const head = { size: size + appended.length, posted, lastMs: ms, final: this.pending.final };
      const { changes } = this.state;
      if (appended.length > 0 || posted !== this.#head.posted)
        await this.#store.append({ from: size, head, entries, state: changes });
      this.state.commit();
      this.#head = head;
      for (const { index, postings } of appended) this.pending.add(index, postings);
      return { results: tried.results, appended, changes };
    } catch (thrown) {
      this.state.abort();
      throw thrown;
    }
  }

  async #begin(issuer: PeerId): Promise<void> {
    await this.#fetch([AT, ISSUER]);
    const known = this.state.get(ISSUER);
    if (known !== undefined && known !== issuer) throw new MeshError('order_refused', NOT_OURS);
    begin(this.state, issuer);
    this.state.accept();
    if (known === undefined)
      await this.#store.append({ from: 0, head: this.#head, entries: [], state: this.state.changes });
    this.state.commit();
  }

  async #try(asked: readonly Asked[], nowMs: number) {
    const read = asked.map(({ evidence, ms = nowMs }) => resultOf(() => evidence(ms)));
    const likely = new Set<string>();
    for (const one of read) {
      if (one instanceof Error) continue;
      for (const key of keysOf(one, this.#isOpen)) if (!this.state.has(key)) likely.add(key);
    }
    await this.#fetch(likely);
    const results: Result[] = [];
    const appended: Appended[] = [];
    const entries: LedgerBatch['entries'][number][] = [];
    /** What came in within this batch is not final either. */
    const coming = new Map<string, number>();
    for (const [i, { body, ms = nowMs }] of asked.entries()) {
      const evidence = read[i]!;
      const index = this.#head.size + appended.length;
      let postings = evidence instanceof Error ? evidence : this.#attempt(evidence, index, coming);
      // Mostly everything is in memory, and nobody waits.
      if (postings instanceof Unread)
        postings = await this.#fetchAndApply(postings, evidence as Evidence, index, coming);
      if (postings instanceof Error) {
        this.state.reject();
        results.push(postings);
        continue;
      }
      this.state.accept();
      // Made again from a log that was final by then, it is no news.
      const news = index < this.pending.final ? [] : incoming(postings);
      for (const { peer, amount } of news) coming.set(peer, (coming.get(peer) ?? 0) + amount);
      const event: LedgerEvent = { ...body, ms };
      const entry = { index, ms, kind: body.kind, about: aboutEvidence(evidence as Evidence), postings };
      entries.push({ ...entry, leaf: writeEvent(event) });
      const done = { index, event, postings };
      appended.push(done);
      results.push(done);
    }
    return { results, appended, entries };
  }

  #attempt(evidence: Evidence, index: number, coming: ReadonlyMap<string, number>): readonly Posting[] | Error {
    return resultOf(() => {
      const postings = applyEvidence(this.state, evidence, index);
      if (SPENDS.has(evidence.kind)) this.#onlyFinal(postings, coming);
      return postings;
    });
  }

  /** Reads from the store what turns out to be missing. Rejects only when the store cannot be read. */
  async #fetchAndApply(
    first: Unread,
    evidence: Evidence,
    index: number,
    coming: ReadonlyMap<string, number>,
  ): Promise<readonly Posting[] | Error> {
    const asked = new Set<string>();
    for (let result: readonly Posting[] | Error = first; ; result = this.#attempt(evidence, index, coming)) {
      if (!(result instanceof Unread)) return result;
      this.state.reject();
      const name = Object.values(result.what).join();
      if (asked.has(name)) throw new Error(`The state has no room for ${name}.`);
      asked.add(name);
      if ('key' in result.what) await this.#fetch([result.what.key]);
      else this.state.learnAll(result.what.prefix, await this.#store.readAll(result.what.prefix));
    }
  }

  readonly #isOpen = (hold: string): boolean => {
    const key = holdKey(hold);
    return this.state.has(key) && this.state.get(key) !== undefined;
  };

  #onlyFinal(postings: readonly Posting[], coming: ReadonlyMap<string, number>): void {
    for (const { account, amount } of postings) {
      if (amount >= 0 || !account.startsWith(FREE)) continue;
      const peer = account.slice(FREE.length) as PeerId;
      const waits = this.pending.of(peer) + (coming.get(peer) ?? 0);
      if (Number(this.state.get(accountKey(account)) ?? 0) < waits) throw notFinal();
    }
  }

  async #fetch(keys: Iterable<string>): Promise<void> {
    const missing = [...new Set(keys)].filter((key) => !this.state.has(key));
    if (missing.length > 0) this.state.learn(missing, await this.#store.read(missing));
  }
}

const NOT_OURS =
  'The credits in mesh.db are those of a control plane with another key. Bring back the file control.key, or move mesh.db away and begin anew.';

function resultOf<T>(run: () => T): T | Error {
  try {
    return run();
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

function notFinal(): MeshError {
  const why = 'The rest of your credits has just come in, and waits for the witnesses of the log';
  return new MeshError(
    'credits_short',
    `There are not enough credits for this yet. ${why}: try again in some seconds.`,
  );
}
