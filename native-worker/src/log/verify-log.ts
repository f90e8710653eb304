/**
 * Recounts a mesh: its checkpoint against the policy, its tiles against the checkpoint, each event against the tiles, and what
 * the events do against the rules, with every signature. It believes the policy, and nothing else.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { peerIdOf } from '@llmesh/core/identity/identity';
import { verifyIn } from '@llmesh/core/identity/network-bound';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { foundedIn } from '@llmesh/core/ledger/rules/founding';
import { namedBy } from '@llmesh/core/identity/note-name';
import { MAX_EVENT_BYTES } from '@llmesh/core/ledger/event';
import { forgettable, forgottenDay } from '@llmesh/core/ledger/keys';
import { allBalances } from '@llmesh/core/ledger/readers';
import { recount } from '@llmesh/core/ledger/recount';
import { MemoryState } from '@llmesh/core/ledger/state';
import type { Checkpoint } from '@llmesh/log/note/checkpoint';
import { LogError } from '@llmesh/log/base/log-error';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { LogReader } from '@llmesh/log/read/log-reader';
import type { FetchFile, VerifiedTree } from '@llmesh/log/read/verified-tree';
import type { Judged } from '@llmesh/log/witness/judge';
import type { Policy } from '@llmesh/log/witness/policy';

/** Clocks of honest computers differ by less. */
const CLOCKS_DIFFER_MS = 120_000;
/** Days of a pause that are cleaned up after: nothing is kept by day for longer. */
const MOST_QUIET_DAYS = 64;

/** What was verified before, by whoever asks again. */
export interface Earlier {
  readonly checkpoint: Checkpoint;
  /** When witnesses had signed it, in seconds since 1970; null: none had. */
  readonly timeS: number | null;
  /** What its events had led to; null: they are recounted. */
  readonly state: MemoryState | null;
}

export interface VerifyOptions {
  readonly policy: Policy;
  readonly fetch: FetchFile;
  readonly earlier: Earlier | null;
  readonly signal: AbortSignal;
  /** So many of so many events are recounted. */
  readonly progress: (events: number, of: number) => void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Verified {
  readonly judged: Judged;
  readonly issuer: PeerId;
  readonly state: MemoryState;
  /** Events that were recounted now. */
  readonly recounted: number;
  /** When the last event happened, in milliseconds since 1970; null: there is none. */
  readonly lastMs: number | null;
}

/**
 * Throws a LogError where the log does not hold what it signed, order_refused or receipt_refused where an event breaks the
 * rules, log_forked where times contradict the witnesses; and what `fetch` throws.
 */
export async function verifyLog(options: VerifyOptions): Promise<Verified> {
  const { policy, fetch, earlier, signal, progress, now } = options;
  const reader = new LogReader({
    ...{ policy, fetch, maxEntryBytes: MAX_EVENT_BYTES },
    ...{ check: nodeVerify, hasher: NODE_HASHER },
  });
  const judged = await reader.checkpoint(signal);
  const issuer = issuerOf(judged);
  if (!judged.final) {
    throw new LogError(
      'not_final',
      `Only ${judged.witnesses.length} of the policy's witnesses have signed it, which is too few.`,
    );
  }
  const { size } = judged.checkpoint;
  if (earlier !== null && earlier.checkpoint.size > size) {
    throw new MeshError(
      'log_forked',
      `The log has ${size} events, and had ${earlier.checkpoint.size} when it was verified before: it has lost some.`,
    );
  }
  const tree = await reader.tree(judged.checkpoint, signal, earlier?.checkpoint);
  const state = earlier?.state ?? new MemoryState();
  const from = earlier?.state == null ? 0 : earlier.checkpoint.size;
  const dates = new Dates(earlier, judged, now());
  let forgotten: number | null = null;
  await recount(leavesOf(tree, from, signal), state, {
    issuer,
    check: verifyIn({ network: namedBy(judged.log.key.name)?.network ?? null }, nodeVerify),
    onEvent: ({ index, event }) => {
      dates.take(index, event.ms);
      forgotten = forget(state, forgotten, forgottenDay(event.ms));
      progress(index + 1, size);
    },
  });
  dates.end();
  checkNetwork(state, judged);
  checkSums(state);
  return { judged, issuer, state, recounted: size - from, lastMs: dates.lastMs };
}

/** Throws a LogError where the log is named after another network than the one that its first event founds. */
function checkNetwork(state: MemoryState, { log: { key } }: Judged): void {
  const named = namedBy(key.name)?.network ?? null;
  if (foundedIn(state) === named) return;
  throw new LogError('unsigned', `The log ${JSON.stringify(key.name)} does not begin with the genesis of its network.`);
}

/** The control plane whose leases and orders count: its key is that of its log. */
export function issuerOf({ log: { key } }: Pick<Judged, 'log'>): PeerId {
  const issuer = namedBy(key.name)?.peer;
  if (issuer !== undefined && issuer === peerIdOf(key.publicKey)) return issuer;
  throw new LogError('unsigned', `The log ${JSON.stringify(key.name)} is not that of an LLMesh.`);
}

async function* leavesOf(tree: VerifiedTree, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const { leaves } of tree.leaves(from, tree.checkpoint.size)) {
    signal.throwIfAborted();
    yield* leaves;
    // Signatures are checked on this thread: signals and timers come between two bundles.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Events are dated by the control plane. Witnesses have clocks of their own, and sign with the time. */
class Dates {
  readonly #earlier: Earlier | null;
  readonly #judged: Judged;
  readonly #nowMs: number;
  lastMs: number | null = null;

  constructor(earlier: Earlier | null, judged: Judged, nowMs: number) {
    this.#earlier = earlier;
    this.#judged = judged;
    this.#nowMs = nowMs;
  }

  take(index: number, ms: number): void {
    this.lastMs = ms;
    const { checkpoint, timeS } = this.#earlier ?? { checkpoint: null, timeS: null };
    if (checkpoint === null || timeS === null || index < checkpoint.size) return;
    if (ms >= timeS * 1_000 - CLOCKS_DIFFER_MS) return;
    throw contradiction(
      `Event ${index} is dated ${dateOf(ms)}, but it came after ${dateOf(timeS * 1_000)}, when witnesses had signed a log without it.`,
    );
  }

  end(): void {
    const times = this.#judged.witnesses.map(({ timeS }) => timeS * 1_000);
    const latest = Math.min(this.#nowMs, ...times);
    if (this.lastMs === null || this.lastMs <= latest + CLOCKS_DIFFER_MS) return;
    throw contradiction(`The last event is dated ${dateOf(this.lastMs)}, after ${dateOf(latest)}, when it was signed.`);
  }
}

function contradiction(why: string): MeshError {
  return new MeshError('log_forked', why);
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** What is never looked up again does not stay in memory. `before`: null at the first event. Returns `until`. */
function forget(state: MemoryState, before: number | null, until: number): number {
  for (let day = Math.max(before ?? until - 1, until - MOST_QUIET_DAYS); day < until; day++) {
    for (const prefix of forgettable(day)) for (const key of state.keys(prefix)) state.set(key, undefined);
  }
  return until;
}

/** No rule allows otherwise; a recount that is wrong would show here. */
function checkSums(state: MemoryState): void {
  let sum = 0;
  for (const [account, amount] of allBalances(state)) {
    sum += amount;
    if (amount < 0 && account !== 'emission') throw new MeshError('order_refused', `${account} is below zero.`);
  }
  if (sum !== 0) throw new MeshError('order_refused', `All accounts together are ${sum} micro-credits, and not zero.`);
}
