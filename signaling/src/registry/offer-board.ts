/**
 * Tells everyone what the mesh offers: when it changed, at most once a second, and now and then as a sign of life. The
 * larger the mesh the less often, so that this never takes more than a limited share of the server's bandwidth;
 * newcomers are told at once.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { SIGN_OF_LIFE_MS, type Offers } from '@llmesh/core/wire/control-protocol';

export const PUBLISH_MS = 1000;
/** The average limit for everything sent. Ten thousand readers of fifty models are 90 MB a round. */
const BYTES_PER_SECOND = 2_097_152;
/** The longest pause, however many there are: large sums change slowly, but news must not wait for ever. */
export const MAX_PUBLISH_MS = SIGN_OF_LIFE_MS;
/** Readers told in one go; the next ones follow a moment later, so that no match waits for a round to end. */
export const SLICE = 250;
const SLICE_MS = 50;
/** Adding up the whole mesh takes time: pause this long between looks, and in a large mesh this share of a round. */
const LOOK_MS = 100;
const LOOK_SHARE = 0.1;

/** The most bytes that everyone is told. Beyond that, models with the fewest providers are left out. */
export const MAX_OFFERS_BYTES = 131_072;

/** A reader of the offers. All get the same bytes, so that a thousand slow readers cost the memory of one. */
export interface OfferReader {
  tell(json: Buffer): void;
}

export class OfferBoard {
  readonly #clock: Clock;
  readonly #read: () => Offers;
  readonly #readers: () => readonly OfferReader[];
  readonly #nowMs: (() => number) | null;
  /** The offers that everyone knows. */
  #published = '';
  #toldMs = -Infinity;
  /** The result of the last adding up. */
  #seen = { json: '', bytes: Buffer.alloc(0), providers: 0, at: -Infinity };
  #notBefore = -Infinity;
  #lookMs = LOOK_MS;
  #timer: { at: number; stop: () => void } | null = null;
  #stopRound: (() => void) | null = null;
  #closed = false;

  /** `nowMs`: the time to send along, in milliseconds since 1970; null: none. */
  constructor(
    clock: Clock,
    read: () => Offers,
    readers: () => readonly OfferReader[],
    nowMs: (() => number) | null = null,
  ) {
    this.#clock = clock;
    this.#read = read;
    this.#readers = readers;
    this.#nowMs = nowMs;
  }

  /** Something may have changed. `withinMs` is how long this change can wait for others. */
  touch(withinMs = 0): void {
    const at = Math.max(this.#notBefore, this.#clock.now() + withinMs);
    if (at <= this.#clock.now()) this.#look();
    else this.#lookAt(at);
  }

  /** The offers for a newcomer. After a restart everyone comes at once: added up for all of them together. */
  current(): Buffer {
    if (this.#clock.now() - this.#seen.at >= this.#lookMs) this.#add();
    // The newcomer knows something that the others do not: the next look tells all.
    if (this.#seen.json !== this.#published) this.#published = '';
    return this.#seen.bytes;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.stop();
    this.#timer = null;
    this.#stopRound?.();
  }

  #add(): void {
    const offers = offersThatFit(this.#read());
    const json = JSON.stringify(offers);
    this.#seen = { json, bytes: Buffer.from(json), providers: offers.providers, at: this.#clock.now() };
  }

  #look(): void {
    if (this.#closed) return;
    this.#timer?.stop();
    this.#timer = null;
    this.#add();
    const { json, bytes, providers, at } = this.#seen;
    const due = json !== this.#published || at - this.#toldMs >= SIGN_OF_LIFE_MS;
    const readers = this.#readers();
    const roundMs = periodMs(readers.length, bytes.byteLength);
    this.#lookMs = Math.max(LOOK_MS, roundMs * LOOK_SHARE);
    this.#notBefore = at + (due ? roundMs : this.#lookMs);
    // Providers that fall silent report nothing: look again while there are any.
    if (providers > 0) this.#lookAt(at + roundMs);
    else if (readers.length > 0) this.#lookAt((due ? at : this.#toldMs) + SIGN_OF_LIFE_MS);
    if (!due) return;
    this.#published = json;
    this.#toldMs = at;
    this.#tell(this.#dated(json, bytes), readers);
  }

  /** Left out of comparisons: time alone is no news. */
  #dated(json: string, bytes: Buffer): Buffer {
    return this.#nowMs === null ? bytes : Buffer.from(`${json.slice(0, -1)},"now":${this.#nowMs()}}`);
  }

  #tell(bytes: Buffer, readers: readonly OfferReader[]): void {
    this.#stopRound = null;
    for (const reader of readers.slice(0, SLICE)) reader.tell(bytes);
    if (readers.length <= SLICE) return;
    this.#stopRound = this.#clock.after(SLICE_MS, () => this.#tell(bytes, readers.slice(SLICE)));
  }

  #lookAt(at: number): void {
    if (this.#closed || (this.#timer !== null && this.#timer.at <= at)) return;
    this.#timer?.stop();
    const stop = this.#clock.after(at - this.#clock.now(), () => this.#look());
    this.#timer = { at, stop };
  }
}

export function offersThatFit(offers: Offers): Offers {
  let left = MAX_OFFERS_BYTES - Buffer.byteLength(JSON.stringify({ ...offers, models: [] }));
  const kept = new Set(
    offers.models
      .toSorted((a, b) => b.providers - a.providers)
      .filter((offer) => (left -= Buffer.byteLength(JSON.stringify(offer)) + 1) >= 0),
  );
  if (kept.size === offers.models.length) return offers;
  return { ...offers, models: offers.models.filter((offer) => kept.has(offer)) };
}

/** The time from one round to the next, longer than a round takes. */
function periodMs(readers: number, bytes: number): number {
  const paidForMs = (readers * bytes * 1000) / BYTES_PER_SECOND;
  const sentMs = Math.ceil(readers / SLICE) * SLICE_MS;
  return Math.max(PUBLISH_MS, sentMs, Math.min(MAX_PUBLISH_MS, paidForMs));
}
