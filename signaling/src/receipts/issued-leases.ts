/**
 * Leases that we signed ourselves lately, by their very bytes: neither their signatures nor what they say need to be read
 * again. Any other lease is read and checked like that of a stranger.
 */
import { createHash } from 'node:crypto';
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { Leases } from '@llmesh/core/receipts/lease';

/** About 700 bytes each: those of some minutes in a busy mesh. */
const MAX_ISSUED = 32_768;

export class IssuedLeases {
  readonly #issued = new BoundedMap<string, Leases>(MAX_ISSUED);

  /** We have signed these bytes, which say this. */
  add(bytes: Uint8Array, leases: Leases): void {
    this.#issued.set(nameOf(bytes), leases);
  }

  /** Null: these are not ours, or too old. */
  find(bytes: Uint8Array): Leases | null {
    return this.#issued.get(nameOf(bytes)) ?? null;
  }
}

function nameOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}
