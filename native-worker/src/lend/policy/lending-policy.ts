/**
 * Whether this computer is lent right now, or why not. Told what the machine says, it decides; nothing here reads a
 * clock or a file. Slow to come back, so that it does not go in and out of the mesh: what made it pause has to be gone
 * for a while.
 */
import { isWithin, minuteOf, nextStart, type When } from '@llmesh/core/policy/lending-hours';
import type { MachineReading } from '../../sensors/machine-reading.ts';

export const PAUSE_REASONS = ['memory', 'hot', 'battery', 'in_use', 'busy', 'hours'] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

export interface Pause {
  why: PauseReason;
  /** Words for a person: why, and what ends it. */
  words: string;
}

export interface LendingWishes {
  when: When;
  /** Whether to lend on battery, too. */
  onBattery: boolean;
  /** How long it has to be quiet before it is lent again. */
  calmMs: number;
}

export const DEFAULT_CALM_MS = 60_000;
/** When keyboard and pointer have been idle for so long, the owner is away. */
export const OWNER_AWAY_MS = 300_000;
const BUSY = { from: 0.25, to: 0.15 };
const HOT_CELSIUS = { from: 5, to: 15 };
/** A healthy computer swaps out a little now and then; one that thrashes moves tens of megabytes. */
const SWAP_BYTES = { from: 4 << 20, to: 1 << 18 };
const MAJOR_FAULTS = { from: 500, to: 100 };
const STALL = { from: 0.1, to: 0.02 };
/** A program that starts needs processor and disk for a few seconds. */
const LASTING_MS = 10_000;

interface Rule {
  why: PauseReason;
  /** How long it has to last before it counts. */
  afterMs: number;
  /** How long it has to be gone before it no longer counts. */
  calmMs: number;
  /** `paused`: we pause for this reason, so it has to sink further before it is over. Unknown is false. */
  holds: (reading: MachineReading, date: Date, paused: boolean) => boolean;
  words: (date: Date) => string;
}

interface Held {
  paused: boolean;
  /** Since when it has differed from `paused`; null: it does not. */
  otherwiseSinceMs: number | null;
}

export class LendingPolicy {
  readonly #rules: readonly Rule[];
  readonly #held = new Map<Rule, Held>();

  constructor(wishes: LendingWishes) {
    this.#rules = rulesFor(wishes);
  }

  /** Returns the gravest of several reasons; null: the computer is lent. `nowMs` is monotonic. */
  look(reading: MachineReading, date: Date, nowMs: number): Pause | null {
    // Each rule has to see each reading.
    const reasons = this.#rules.filter((rule) => this.#holds(rule, reading, date, nowMs));
    const first = reasons[0];
    return first === undefined ? null : { why: first.why, words: first.words(date) };
  }

  #holds(rule: Rule, reading: MachineReading, date: Date, nowMs: number): boolean {
    const held = this.#held.get(rule) ?? { paused: false, otherwiseSinceMs: null };
    this.#held.set(rule, held);
    if (rule.holds(reading, date, held.paused) === held.paused) {
      held.otherwiseSinceMs = null;
      return held.paused;
    }
    held.otherwiseSinceMs ??= nowMs;
    if (nowMs - held.otherwiseSinceMs >= (held.paused ? rule.calmMs : rule.afterMs)) {
      held.paused = !held.paused;
      held.otherwiseSinceMs = null;
    }
    return held.paused;
  }
}

function rulesFor({ when, onBattery, calmMs }: LendingWishes): Rule[] {
  const rules: Rule[] = [
    {
      why: 'memory',
      afterMs: 0,
      calmMs,
      holds: ({ swapBytesPerSecond, memoryStallShare }, _, paused) =>
        isAbove(swapBytesPerSecond, SWAP_BYTES, paused) || isAbove(memoryStallShare, STALL, paused),
      words: () => 'This computer is short of memory and swaps. Lending continues when that is over.',
    },
    {
      // This is about memory, too, but a program that starts looks the same for a moment.
      why: 'memory',
      afterMs: LASTING_MS,
      calmMs,
      holds: ({ majorFaultsPerSecond }, _, paused) => isAbove(majorFaultsPerSecond, MAJOR_FAULTS, paused),
      words: () =>
        'This computer is short of memory and reads from the disk all the time. Lending continues when that is over.',
    },
    {
      why: 'hot',
      afterMs: LASTING_MS,
      calmMs,
      holds: ({ headroomCelsius, throttled }, _, paused) =>
        throttled === true ||
        (headroomCelsius !== null && headroomCelsius <= (paused ? HOT_CELSIUS.to : HOT_CELSIUS.from)),
      words: () => 'This computer is too hot. Lending continues when it has cooled down.',
    },
  ];
  if (!onBattery) {
    rules.push({
      why: 'battery',
      afterMs: 0,
      calmMs,
      holds: ({ onBattery: discharging }) => discharging === true,
      words: () => 'This computer runs on its battery. Plug it in, or start the worker with --on-battery.',
    });
  }
  if (when === 'idle') {
    rules.push(
      {
        why: 'in_use',
        afterMs: 0,
        calmMs: 0,
        holds: ({ ownerIdleMs }) => ownerIdleMs !== null && ownerIdleMs < OWNER_AWAY_MS,
        words: () => 'Somebody is using this computer. Lending continues five minutes after that.',
      },
      {
        why: 'busy',
        afterMs: LASTING_MS,
        calmMs,
        holds: ({ othersCpuShare }, _, paused) => isAbove(othersCpuShare, BUSY, paused),
        words: () => 'Other programs need the processor. Lending continues when they are done.',
      },
    );
  } else if (when !== 'always') {
    rules.push({
      why: 'hours',
      afterMs: 0,
      calmMs: 0,
      holds: (_, date) => !isWithin(when, minuteOf(date)),
      words: (date) => `These are not its hours. Lending continues at ${nextStart(when, minuteOf(date))}.`,
    });
  }
  return rules;
}

function isAbove(value: number | null, { from, to }: { from: number; to: number }, paused: boolean): boolean {
  return value !== null && (paused ? value > to : value >= from);
}
