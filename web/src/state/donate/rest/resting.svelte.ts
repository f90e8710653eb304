/** Lending rests when its owner wants it to: in a pause, outside of hours, on battery, while somebody uses this computer. */
import type { Clock } from '@llmesh/core/base/clock';
import type { HourRange } from '@llmesh/core/policy/lending-hours';
import * as v from 'valibot';
import { KeptRecord } from '../../kept/kept-record.svelte.ts';
import { parserOf } from '../../kept/parser.ts';
import type { Store } from '../../store.ts';
import { restOf, turnsAtMs, type Rest, type RestTerms } from './rest.ts';

/** A computer that slept has missed its timer: it looks again this often. */
const LOOK_MS = 30_000;
const MINUTES_A_DAY = 24 * 60;

const minute = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MINUTES_A_DAY));
const parse = parserOf(
  v.object({
    hours: v.nullable(
      v.pipe(
        v.object({ fromMinute: minute, toMinute: minute }),
        v.check(({ fromMinute, toMinute }) => fromMinute !== toMinute),
      ),
    ),
    onMains: v.boolean(),
    whenAway: v.boolean(),
    pausedUntilMs: v.nullable(v.pipe(v.number(), v.integer())),
  }),
);

/** Something that the browser tells about this computer. */
export interface Sense {
  /**
   * Calls `told` with what it is now, and whenever it turns, until the returned function is called; with null where the browser
   * does not tell. Never throws.
   */
  follow(told: (is: boolean | null) => void): () => void;
}

export interface RestingNeeds {
  store: Store;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Whether this computer runs on battery. */
  battery: Sense;
  /** Whether somebody uses this computer. */
  presence: Sense & {
    /** Asks the person, who has just pressed something, for leave; false: refused, or this browser has no notion of it. */
    ask(): Promise<boolean>;
  };
  /** Lending is switched on. */
  lending: () => boolean;
  /** Told when a rest begins, and when it ends. */
  turned: (resting: boolean) => void;
  failed: (error: unknown) => void;
}

export class Resting {
  readonly #needs: RestingNeeds;
  readonly #record: KeptRecord<RestTerms>;
  #nowMs = $state(0);
  #onBattery = $state<boolean | null>(null);
  #inUse = $state<boolean | null>(null);
  #refused = $state(false);
  readonly #rest = $derived(restOf(this.terms, { nowMs: this.#nowMs, onBattery: this.#onBattery, inUse: this.#inUse }));

  /** Follows what its owner chose, the clock and this computer until the returned function is called. */
  static follow(needs: RestingNeeds): { resting: Resting; stop: () => void } {
    const resting = new Resting(needs);
    const stop = $effect.root(() => {
      const lending = $derived(needs.lending());
      const { onMains, whenAway } = $derived(resting.terms);
      const rests = $derived(resting.rest !== null);
      $effect(() => (lending && onMains ? needs.battery.follow((is) => (resting.#onBattery = is)) : undefined));
      $effect(() => (lending && whenAway ? needs.presence.follow((is) => (resting.#inUse = is)) : undefined));
      $effect(() => (lending ? resting.#watchClock() : undefined));
      $effect(() => needs.turned(rests));
    });
    return { resting, stop };
  }

  private constructor(needs: RestingNeeds) {
    this.#needs = needs;
    this.#nowMs = needs.now();
    this.#record = new KeptRecord({
      store: needs.store,
      key: 'record/rest',
      version: 1,
      parse,
      initial: { hours: null, onMains: false, whenAway: false, pausedUntilMs: null },
      failed: needs.failed,
      changed: () => (this.#nowMs = needs.now()),
    });
  }

  async restore(): Promise<void> {
    await this.#record.restore();
  }

  get terms(): RestTerms {
    return this.#record.value;
  }

  /** Why lending rests; null: it does not. */
  get rest(): Rest | null {
    return this.#rest;
  }

  /** It is to lend on mains only, but this browser does not tell whether it does. */
  get batteryUntold(): boolean {
    return this.#needs.lending() && this.terms.onMains && this.#onBattery === null;
  }

  /** The person, or this browser, did not allow to look whether somebody uses this computer. */
  get presenceRefused(): boolean {
    return this.#refused;
  }

  set hours(hours: HourRange | null) {
    this.#change({ hours });
  }

  set onMains(onMains: boolean) {
    this.#change({ onMains });
  }

  /** Called when the person presses the switch: the browser asks them only then. */
  async chooseAway(whenAway: boolean): Promise<void> {
    this.#refused = whenAway && !(await this.#needs.presence.ask());
    this.#change({ whenAway: whenAway && !this.#refused });
  }

  /** Milliseconds since 1970. It lasts through reloads, in each tab of this browser. */
  pauseUntil(pausedUntilMs: number): void {
    this.#change({ pausedUntilMs });
  }

  /** Ends the pause; the other terms stay. */
  goOn(): void {
    if (this.terms.pausedUntilMs !== null) this.#change({ pausedUntilMs: null });
  }

  #change(chosen: Partial<RestTerms>): void {
    void this.#record.change((terms) => ({ ...terms, ...chosen }));
  }

  /** Returns a function that ends it. */
  #watchClock(): () => void {
    const { clock, now } = this.#needs;
    let cancel: () => void = () => {};
    const look = () => {
      const nowMs = now();
      this.#nowMs = nowMs;
      const turnMs = turnsAtMs(this.#record.value, nowMs);
      cancel = clock.after(turnMs === null ? LOOK_MS : Math.min(LOOK_MS, turnMs - nowMs), look);
    };
    look();
    return () => cancel();
  }
}
