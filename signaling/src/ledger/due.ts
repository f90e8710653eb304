/** What falls due by itself: the rest of a hold goes back, unstaked credits are free again. */
import type { Clock } from '@llmesh/core/base/clock';
import { fromBase32 } from '@llmesh/core/base/base32';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { EventBody } from '@llmesh/core/ledger/event';
import type { StateValue } from '@llmesh/core/ledger/state';
import type { LedgerPort } from './ledger-port.ts';
import type { LedgerStore } from './ledger-store.ts';

const LOOK_MS = 1_000;
/** Unbonding takes days. */
const LOOK_AT_STAKES_MS = 60_000;
/** The most at one time: what is left comes a second later. */
const AT_ONCE = 512;
const HOLDS = 'h/';
const UNBONDING = 'u/';

export interface DueNeeds {
  store: Pick<LedgerStore, 'readAll'>;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  failed: (error: unknown) => void;
}

export class Due {
  readonly #needs: DueNeeds;
  /** Open holds, by their keys, roughly in the order of their ends. */
  readonly #holds = new Map<string, { payer: PeerId; untilS: number }>();
  /** When the next part of what a peer unstaked is free, in milliseconds since 1970. */
  readonly #unbonding = new Map<PeerId, number>();
  #ledger: Pick<LedgerPort, 'append'> | null = null;
  #stopTimer = () => {};
  #stakesMs = -Infinity;

  private constructor(needs: DueNeeds) {
    this.#needs = needs;
  }

  static async open(needs: DueNeeds): Promise<Due> {
    const due = new Due(needs);
    const holds = [...(await needs.store.readAll(HOLDS))];
    due.changed(new Map(holds.sort(([, a], [, b]) => untilS(a) - untilS(b))));
    due.changed(await needs.store.readAll(UNBONDING));
    return due;
  }

  start(ledger: Pick<LedgerPort, 'append'>): void {
    this.#ledger = ledger;
    this.#stopTimer = this.#needs.clock.after(LOOK_MS, () => void this.#look());
  }

  stop(): void {
    this.#ledger = null;
    this.#stopTimer();
  }

  /** The state has changed by this. */
  changed(state: ReadonlyMap<string, StateValue | undefined>): void {
    for (const [key, value] of state) {
      if (key.startsWith(HOLDS)) {
        if (value === undefined) this.#holds.delete(key);
        else this.#holds.set(key, { payer: (value as readonly [PeerId])[0], untilS: untilS(value) });
      } else if (key.startsWith(UNBONDING)) {
        const peer = key.slice(UNBONDING.length) as PeerId;
        const [next] = (value ?? []) as readonly (readonly [number, number])[];
        if (next === undefined) this.#unbonding.delete(peer);
        else this.#unbonding.set(peer, next[1]);
      }
    }
  }

  async #look(): Promise<void> {
    const nowMs = this.#needs.now();
    await Promise.all([...this.#over(nowMs), ...this.#free(nowMs)].map((body) => this.#append(body)));
    if (this.#ledger !== null) this.start(this.#ledger);
  }

  #over(nowMs: number): EventBody[] {
    const over: EventBody[] = [];
    for (const [key, { payer, untilS: endS }] of this.#holds) {
      // Those behind it were made later, and end later, by some minutes at most.
      if (endS * 1_000 > nowMs || over.length === AT_ONCE) break;
      over.push({ kind: 'refund', hold: fromBase32(key.slice(HOLDS.length))!, payer });
    }
    return over;
  }

  #free(nowMs: number): EventBody[] {
    if (this.#needs.clock.now() - this.#stakesMs < LOOK_AT_STAKES_MS) return [];
    this.#stakesMs = this.#needs.clock.now();
    const due = [...this.#unbonding].filter(([, atMs]) => atMs <= nowMs).slice(0, AT_ONCE);
    return due.map(([peer]) => ({ kind: 'release', peer }));
  }

  /** When nothing can be written now, it is due again at the next look. */
  async #append(body: EventBody): Promise<void> {
    try {
      await this.#ledger?.append(body);
    } catch (thrown) {
      if (!(thrown instanceof MeshError) || thrown.code !== 'busy') this.#needs.failed(thrown);
    }
  }
}

/** The fifth of what `rules/hold.ts` writes. */
function untilS(hold: StateValue | undefined): number {
  return (hold as readonly number[])[4]!;
}
