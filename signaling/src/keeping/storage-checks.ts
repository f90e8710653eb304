/**
 * Has copies checked that are kept for others: each once an hour, at a time that nobody knows before, by another keeper that is drawn as
 * auditors are, and independent of it. One word against a keeper is checked by a second; being away is no offence.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { toBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import { drawAuditors, rootOf } from '@llmesh/core/proof/draw';
import {
  readStorageReport,
  storageCheck,
  type StorageOutcome,
  type StorageReport,
} from '@llmesh/core/proof/keeping/storage-report';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import { isIndependent } from '../audit/auditors/independence.ts';
import type { ControlKey } from '../receipts/control-key.ts';
import type { Keeper, Keepers } from './keepers.ts';

export const LOOK_MS = 60_000;
/** An asker has so long: it dials, and asks for four leaves. */
export const PATIENCE_MS = 120_000;
/** Checks that begin in one minute. */
const MAX_BEGUN = 64;
/** Checks that one peer makes for others in an hour. */
const MAX_EACH = 60;
/** Askers for one copy in one hour. */
const MAX_TRIES = 2;
/** Hours in which a copy could not be shown, less those in which it was; then somebody else is asked to keep it. */
export const MAX_MISSED = 6;
/** The last minutes of an hour are for second askers. */
const BEGUN_WITHIN = 0.8;

export type ProveMessage = Extract<FromServer, { type: 'prove' }>;

export interface StorageChecksNeeds {
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  random: () => number;
  key: ControlKey;
  keepers: Keepers;
  /** Auditors that the operator named: independent of everybody. */
  platform: ReadonlySet<PeerId>;
  /** Its answers are in doubt, so is its word. */
  isDoubted: (peer: PeerId) => boolean;
  tell: (peer: PeerId, message: ProveMessage) => void;
  /** It is there, and this says so. */
  shown: (keeper: Keeper, report: StorageReport, bytes: Uint8Array) => void;
  /** It could not be shown so often that somebody else is asked. */
  dropped: (keeper: Keeper) => void;
  /** It is not there. */
  failed: (keeper: PeerId) => void;
  counted: (outcome: StorageOutcome | 'silent') => void;
  /** Nothing could be drawn. */
  broken: (error: unknown) => void;
}

interface Check {
  readonly keeper: PeerId;
  readonly content: ContentId;
  readonly dueMs: number;
  /** Who was asked, and what each found. */
  readonly askers: PeerId[];
  readonly found: StorageOutcome[];
  asked: { asker: PeerId; untilMs: number } | null;
  over: boolean;
}

export class StorageChecks {
  readonly #needs: StorageChecksNeeds;
  #epoch: number;
  /** Of this hour. */
  #checks = new Map<string, Check>();
  #made = new Map<PeerId, number>();
  #draws = 0;
  #stopTimer: () => void;
  #looking: Promise<void> | null = null;
  #closed = false;

  constructor(needs: StorageChecksNeeds) {
    this.#needs = needs;
    this.#epoch = epochOf(needs.now());
    this.#stopTimer = needs.clock.after(LOOK_MS, () => this.#look());
  }

  /** What an asker signed. Throws bad_message or receipt_refused where it counts for nothing. */
  report(by: PeerId, bytes: Uint8Array): void {
    // Nobody's signature is checked who was not asked.
    const report = readStorageReport(bytes, () => true);
    const check = report === null ? undefined : this.#checks.get(nameOf(report));
    if (report === null || report.asker !== by) throw new MeshError('bad_message', 'This report cannot be read.');
    if (check?.asked?.asker !== by || report.epoch !== this.#epoch)
      throw new MeshError('receipt_refused', 'Nobody waits for this report any more.');
    if (readStorageReport(bytes, this.#needs.key.verify) === null)
      throw new MeshError('receipt_refused', 'Nobody has signed this report.');
    check.asked = null;
    this.#needs.counted(report.outcome);
    check.found.push(report.outcome);
    this.#judge(check, report, bytes);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopTimer();
    await this.#looking;
  }

  #look(): void {
    const { clock, broken } = this.#needs;
    this.#looking = this.#begin()
      .catch((thrown: unknown) => broken(thrown))
      .finally(() => {
        if (!this.#closed) this.#stopTimer = clock.after(LOOK_MS, () => this.#look());
      });
  }

  async #begin(): Promise<void> {
    const { now, key, keepers } = this.#needs;
    const nowMs = now();
    this.#turnHour(nowMs);
    this.#enlist();
    for (const check of this.#checks.values()) {
      if (check.asked === null || check.asked.untilMs > nowMs) continue;
      check.asked = null;
      this.#needs.counted('silent');
      this.#judge(check, null, null);
    }
    const due = [...this.#checks.values()].filter(
      (check) => !check.over && check.asked === null && check.dueMs <= nowMs && isHere(keepers.get(check.keeper)),
    );
    if (due.length === 0) return;
    const begun = due.toSorted((a, b) => a.dueMs - b.dueMs).slice(0, MAX_BEGUN);
    const epoch = this.#epoch;
    const digests = begun.map(({ keeper, content }) => storageCheck(epoch, keeper, content));
    this.#draws = Math.max(this.#draws + 1, Math.floor(nowMs / LOOK_MS));
    const { draw, bytes } = await key.draw({ epoch: this.#draws, root: rootOf(digests) });
    const text = toBase32(bytes);
    for (const [i, check] of begun.entries()) this.#ask(check, draw.beta, digests[i]!, text);
  }

  #ask(check: Check, beta: Uint8Array, digest: Uint8Array, draw: string): void {
    const { keepers, tell, now, platform, isDoubted } = this.#needs;
    const keeper = keepers.get(check.keeper);
    if (!isHere(keeper)) return;
    const busy = new Set([...this.#checks.values()].flatMap(({ asked }) => (asked === null ? [] : [asked.asker])));
    const standing = (one: Keeper) => ({ peerId: one.peer, network: one.holder?.from.narrow ?? '' });
    const before = check.askers.flatMap((peer) => keepers.get(peer) ?? []).map(standing);
    const could = [...keepers.all].filter(
      (one) =>
        one.holder !== null &&
        !busy.has(one.peer) &&
        !check.askers.includes(one.peer) &&
        (this.#made.get(one.peer) ?? 0) < MAX_EACH &&
        !isDoubted(one.peer) &&
        isIndependent(standing(one), [standing(keeper), ...before], platform),
    );
    const [asker] = drawAuditors(
      beta,
      digest,
      could.map(({ peer }) => peer),
      1,
    );
    // The next look draws again: somebody may have come.
    if (asker === undefined) return;
    check.askers.push(asker);
    check.asked = { asker, untilMs: now() + PATIENCE_MS };
    this.#made.set(asker, (this.#made.get(asker) ?? 0) + 1);
    const { certificate } = keeper.holder;
    tell(asker, { type: 'prove', draw, keeper: check.keeper, certificate, content: check.content, epoch: this.#epoch });
  }

  /** `report` null: the asker said nothing in time, which says nothing about the keeper. */
  #judge(check: Check, report: StorageReport | null, bytes: Uint8Array | null): void {
    const { keepers, shown, failed, dropped } = this.#needs;
    const keeper = keepers.get(check.keeper);
    if (keeper === null) {
      check.over = true;
      return;
    }
    if (report?.outcome === 'kept' && bytes !== null) {
      check.over = true;
      keepers.shown(keeper, check.content);
      shown(keeper, report, bytes);
      return;
    }
    if (check.found.filter((one) => one === 'wrong').length >= MAX_TRIES) {
      check.over = true;
      failed(check.keeper);
    } else if (check.askers.length >= MAX_TRIES || report?.outcome === 'unreachable' || report?.outcome === 'late') {
      check.over = true;
      // Askers that say nothing are no fault of the keeper.
      if (check.found.length > 0 && keepers.missed(keeper, check.content, MAX_MISSED)) dropped(keeper);
    }
  }

  #turnHour(nowMs: number): void {
    const epoch = epochOf(nowMs);
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#checks = new Map();
    this.#made = new Map();
  }

  /** Copies that are whole, each with its time in this hour. */
  #enlist(): void {
    const { keepers, now, random } = this.#needs;
    const nowMs = now();
    const leftMs = Math.max(0, this.#epoch * EPOCH_MS + BEGUN_WITHIN * EPOCH_MS - nowMs);
    for (const { peer: keeper, holder, keeps } of keepers.all) {
      if (holder === null) continue;
      for (const [content, { whole, lackedMs }] of keeps) {
        const name = nameOf({ keeper, content });
        if (!whole || lackedMs !== null || this.#checks.has(name)) continue;
        const dueMs = nowMs + random() * leftMs;
        this.#checks.set(name, { keeper, content, dueMs, askers: [], found: [], asked: null, over: false });
      }
    }
  }
}

function isHere(keeper: Keeper | null): keeper is Keeper & { holder: NonNullable<Keeper['holder']> } {
  return keeper !== null && keeper.holder !== null;
}

function nameOf({ keeper, content }: { keeper: PeerId; content: ContentId }): string {
  return `${keeper} ${content}`;
}
