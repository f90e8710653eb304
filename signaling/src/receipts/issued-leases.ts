/**
 * Leases that we signed ourselves lately, by their very bytes: neither their signatures nor what they say need to be read
 * again. Any other lease is read and checked like that of a stranger.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import { PUBLIC_KEY_BYTES } from '@llmesh/core/identity/identity';
import type { Leases } from '@llmesh/core/receipts/lease';

/** About a kilobyte each: those of some minutes in a busy mesh. */
const MAX_ISSUED = 32_768;
const TWO_20 = 2 ** 20;

/** What one of our signatures covers. */
export interface IssuedLease {
  readonly bytes: Uint8Array;
  readonly leases: Leases;
  /** The providers whose deliveries under it were filed here. As long as one is not among them, no store knows of any. */
  readonly filed: PeerId[];
}

export class IssuedLeases {
  /** By a part of their signatures, which no two of ours share. */
  readonly #issued = new BoundedMap<number, IssuedLease>(MAX_ISSUED);

  /** We have signed these bytes, which say this. */
  add(bytes: Uint8Array, leases: Leases): void {
    this.#issued.set(nameOf(bytes), { bytes, leases, filed: [] });
  }

  /** Null: these are not ours, or too old. */
  find(bytes: Uint8Array): IssuedLease | null {
    if (bytes.byteLength < PUBLIC_KEY_BYTES + 8) return null;
    const issued = this.#issued.get(nameOf(bytes));
    return issued !== undefined && Buffer.compare(issued.bytes, bytes) === 0 ? issued : null;
  }
}

/** The first 52 bits of the signature. */
function nameOf(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + PUBLIC_KEY_BYTES, 8);
  return view.getUint32(0) * TWO_20 + (view.getUint32(4) >>> 12);
}
