/** The records that one peer keeps for others, within bounds: for a key, for a publisher, and altogether. */
import type { PeerId } from '../base/ids.ts';
import { MAX_RECORD_BYTES } from '../wire/fields.ts';
import type { verify } from '../identity/identity.ts';
import { readLookupRecord, type LookupRecord } from './lookup-record.ts';
import { placeOf, type Place } from './place.ts';

export const MAX_OF_A_KEY = 20;
export const MAX_OF_A_PUBLISHER = 64;
/** About six megabytes. */
const MAX_RECORDS = 8_192;

interface Kept extends LookupRecord {
  readonly bytes: Uint8Array;
}

export class RecordStore {
  readonly #now: () => number;
  readonly #verify: typeof verify;
  /** By place, as text, then by publisher. */
  readonly #byPlace = new Map<string, Map<PeerId, Kept>>();
  readonly #countOf = new Map<PeerId, number>();
  #count = 0;

  constructor(now: () => number, check: typeof verify) {
    this.#now = now;
    this.#verify = check;
  }

  /** Whether it is kept now. A later record of the same publisher takes the place of its earlier one, never the reverse. */
  put(bytes: Uint8Array): boolean {
    if (bytes.byteLength > MAX_RECORD_BYTES) return false;
    if (this.#count >= MAX_RECORDS) this.#forgetExpired();
    const record = readLookupRecord(bytes, this.#now(), this.#verify);
    if (record === null) return false;
    const place = textOf(placeOf(record.kind, record.key));
    this.#forgetExpiredAt(place);
    const there = this.#byPlace.get(place) ?? new Map<PeerId, Kept>();
    const before = there.get(record.publisher);
    if (before === undefined) {
      const own = this.#countOf.get(record.publisher) ?? 0;
      if (there.size >= MAX_OF_A_KEY || own >= MAX_OF_A_PUBLISHER || this.#count >= MAX_RECORDS) return false;
      this.#countOf.set(record.publisher, own + 1);
      this.#count += 1;
    } else if (before.expiresAtMs > record.expiresAtMs) return true;
    // A window on a message would keep the whole message.
    there.set(record.publisher, { ...record, bytes: bytes.slice() });
    this.#byPlace.set(place, there);
    return true;
  }

  /** Verified when they came, and not over. */
  at(place: Place): Uint8Array[] {
    const key = textOf(place);
    this.#forgetExpiredAt(key);
    return [...(this.#byPlace.get(key)?.values() ?? [])].map(({ bytes }) => bytes);
  }

  #forgetExpired(): void {
    for (const place of this.#byPlace.keys()) this.#forgetExpiredAt(place);
  }

  #forgetExpiredAt(place: string): void {
    const there = this.#byPlace.get(place);
    if (there === undefined) return;
    for (const { publisher, expiresAtMs } of there.values()) {
      if (expiresAtMs > this.#now()) continue;
      there.delete(publisher);
      this.#count -= 1;
      const left = this.#countOf.get(publisher)! - 1;
      if (left > 0) this.#countOf.set(publisher, left);
      else this.#countOf.delete(publisher);
    }
    if (there.size === 0) this.#byPlace.delete(place);
  }
}

function textOf(place: Place): string {
  return String.fromCharCode(...place);
}
