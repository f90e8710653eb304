/**
 * The port that keeps the ledger: what the projection remembers, the events with what they did, and their leaves. Everything
 * of a batch is written in one transaction, together with how far deliveries are posted, so that nothing is lost or
 * posted twice whenever the process ends. Proved by `suites/ledger-store.ts`; PostgreSQL will stand behind it, too.
 */
import type { PeerId } from '@llmesh/core/base/ids';
import type { EventKind } from '@llmesh/core/ledger/event';
import type { Posting } from '@llmesh/core/ledger/posting';
import type { StateValue } from '@llmesh/core/ledger/state';
import type { About } from './about.ts';

/** Where the ledger is. */
export interface LedgerHead {
  /** The number of events. */
  readonly size: number;
  /** The last change of a delivery that was posted, or needed no posting. */
  readonly posted: number;
  /** The time of the last event. */
  readonly lastMs: number;
  /** So many events are final, as far as was known when this was written. */
  readonly final: number;
}

/** An event as it is kept for people. */
export interface LedgerEntry {
  readonly index: number;
  readonly ms: number;
  readonly kind: EventKind;
  /** What it is about, in a few words that are shown beside a posting. */
  readonly about: About;
  readonly postings: readonly Posting[];
}

/** A volunteer was there for so many looks of an hour, in this wide network. */
export interface SeenRow {
  readonly epoch: number;
  readonly peer: PeerId;
  readonly network: string;
  readonly looks: number;
}

export interface LedgerBatch {
  /** The size before it: the store refuses what was computed from another one. */
  readonly from: number;
  readonly head: LedgerHead;
  readonly entries: readonly (LedgerEntry & { readonly leaf: Uint8Array })[];
  /** Undefined: forget the key. */
  readonly state: ReadonlyMap<string, StateValue | undefined>;
}

/** Each method rejects when the store cannot be used right now, and then nothing has changed. */
export interface LedgerStore {
  head(): Promise<LedgerHead>;
  /** Those of the keys that there are, with their values. */
  read(keys: readonly string[]): Promise<Map<string, StateValue>>;
  /** All whose keys begin so, in code-unit order. */
  readAll(prefix: string): Promise<Map<string, StateValue>>;
  /** Forgets at most so many keys from `from` up to, not including, `to`: the projection never asks for them again. */
  forget(from: string, to: string, most: number): Promise<void>;
  /** Durable when it resolves. Rejects with busy when the ledger has another size by now. */
  append(batch: LedgerBatch): Promise<void>;
  setFinal(size: number): Promise<void>;
  /** The leaves from `from` up to, not including, `to`. Rejects when some were pruned or never were. */
  leaves(from: number, to: number): Promise<Uint8Array[]>;
  /** The events from this index on, in order. */
  entries(from: number, most: number): Promise<LedgerEntry[]>;
  /** Those before this index that touch this peer, the newest first. */
  history(peer: PeerId, before: number, most: number): Promise<LedgerEntry[]>;
  /** Of these peers, the last event that was moved into files and touched them: see `past/past.ts`. */
  past(peers: readonly PeerId[]): Promise<Map<PeerId, number>>;
  /** Forgets leaves and events below these indexes, at most so many at a time; `past` is remembered of the latter. */
  prune(
    below: { readonly leaves: number; readonly entries: number },
    most: number,
    past?: ReadonlyMap<PeerId, number>,
  ): Promise<void>;
  /** The indexes of the oldest leaf and the oldest event that are kept; the size where there is none. */
  oldest(): Promise<{ readonly leaf: number; readonly entry: number }>;
  /** When each provider was last seen to compute as it should, in milliseconds since 1970: those since `sinceMs`. */
  proved(sinceMs: number): Promise<Map<PeerId, number>>;
  setProved(proved: ReadonlyMap<PeerId, number>): Promise<void>;
  /** Who was there in hours that are not paid yet: what `setSeen` said. */
  seen(): Promise<SeenRow[]>;
  setSeen(rows: readonly SeenRow[]): Promise<void>;
  /** This hour is dealt with. */
  forgetSeen(epoch: number): Promise<void>;
}
