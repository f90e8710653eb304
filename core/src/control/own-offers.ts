/** Tells the control plane what we offer and how busy we are: after each connection, at each change, and at the pace it asks for. */
import type { Clock } from '../base/clock.ts';
import type { Candidate } from '../wire/candidate.ts';
import type { ToServer } from '../wire/control-protocol.ts';
import { MAX_SLOTS, MAX_TOKENS_PER_SECOND, type ModelAdvert } from '../wire/model-advert.ts';
import { modelsThatFit } from './advert-size.ts';

export interface BusyReport {
  busySlots: number;
  queued: number;
  /** Units of work done since the provider began. */
  units: number;
  unitsPerSecond: number | null;
}

const NOTHING_TO_REPORT: BusyReport = { busySlots: 0, queued: 0, units: 0, unitsPerSecond: null };

export interface OwnOffersNeeds {
  clock: Clock;
  isOpen: () => boolean;
  send: (message: Extract<ToServer, { type: 'advert' | 'heartbeat' }>) => void;
}

export class OwnOffers {
  readonly #needs: OwnOffersNeeds;
  #stopBeat: (() => void) | null = null;
  /** Null: we never offered anything, and there is nothing to take back. */
  #advert: { models: ModelAdvert[]; slots: number; certificate: string | null } | null = null;
  #report: BusyReport = NOTHING_TO_REPORT;
  #reportedUnits = 0;

  constructor(needs: OwnOffersNeeds) {
    this.#needs = needs;
  }

  /** As others see them, but for who we are. */
  get seen(): Omit<Candidate, 'peerId' | 'agent'>[] {
    const { models, slots, certificate } = this.#advert ?? { models: [], slots: 0, certificate: null };
    const rest = { slots, busySlots: 0, queued: 0, reliability: 1, certificate };
    return models.map((model) => ({ model, ...rest }));
  }

  advertise(models: readonly ModelAdvert[], slots: number, certificate: string | null): void {
    this.#advert = { models: models.map(possible), slots: Math.min(slots, MAX_SLOTS), certificate };
    this.#report = NOTHING_TO_REPORT;
    this.#reportedUnits = 0;
    this.#say();
  }

  describe(models: readonly ModelAdvert[]): void {
    if (this.#advert === null || this.#advert.models.length === 0) return;
    this.#advert = { ...this.#advert, models: models.map(possible) };
    this.#say();
  }

  report(report: BusyReport): void {
    const changed = report.busySlots !== this.#report.busySlots || report.queued !== this.#report.queued;
    this.#report = report;
    if (changed) this.#sendHeartbeat();
  }

  /** The connection is open: says all of it, and how busy we are every `heartbeatMs` from now on. */
  begin(heartbeatMs: number): void {
    this.#say();
    this.#beat(heartbeatMs);
  }

  /** The connection is lost. */
  stop(): void {
    this.#stopBeat?.();
    this.#stopBeat = null;
  }

  #say(): void {
    if (this.#advert === null || !this.#needs.isOpen()) return;
    this.#needs.send({ type: 'advert', ...this.#advert, models: modelsThatFit(this.#advert.models) });
    this.#sendHeartbeat();
  }

  #beat(everyMs: number): void {
    this.#stopBeat = this.#needs.clock.after(everyMs, () => {
      this.#sendHeartbeat();
      this.#beat(everyMs);
    });
  }

  #sendHeartbeat(): void {
    if (this.#advert === null || !this.#needs.isOpen()) return;
    const { busySlots, queued, units, unitsPerSecond } = this.#report;
    this.#needs.send({
      type: 'heartbeat',
      busySlots,
      queued,
      units: units - this.#reportedUnits,
      ...(unitsPerSecond !== null && { unitsPerSecond }),
    });
    this.#reportedUnits = units;
  }
}

/** Limits a speed that was measured over a moment to what is believable. */
function possible(model: ModelAdvert): ModelAdvert {
  const { tokensPerSecond } = model;
  if (tokensPerSecond === null || tokensPerSecond <= MAX_TOKENS_PER_SECOND) return model;
  return { ...model, tokensPerSecond: MAX_TOKENS_PER_SECOND };
}
