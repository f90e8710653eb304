/** Where peers and keys lie: 256-bit numbers whose exclusive or is their distance (Kademlia, Maymounkov & Mazières 2002, §2.1). */
import { sha256 } from '@noble/hashes/sha2.js';

/** 32 bytes, the most significant first. */
export type Place = Uint8Array & { readonly brand: 'Place' };
/** What can be looked up. `anchor`: long-lived peers by which newcomers get in. */
export type KeyKind = 'content' | 'model' | 'task' | 'anchor';

export const PLACE_BITS = 256;

/** A hash, so that whoever wants to be near to something has to try ids, each of which costs the work of joining. */
export function placeOf(kind: KeyKind | 'peer', id: string): Place {
  return sha256(new TextEncoder().encode(`llmesh/1/place\0${kind}\0${id}`)) as Place;
}

/** Below zero: `a` is nearer to `target` than `b`. Zero only for the same place. */
export function compareDistance(target: Place, a: Place, b: Place): number {
  for (let i = 0; i < target.byteLength; i++) {
    const difference = (a[i]! ^ target[i]!) - (b[i]! ^ target[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** How many leading bits are the same: 0 to `PLACE_BITS`. */
export function sharedBits(a: Place, b: Place): number {
  for (let i = 0; i < a.byteLength; i++) {
    const different = a[i]! ^ b[i]!;
    if (different !== 0) return i * 8 + Math.clz32(different) - 24;
  }
  return PLACE_BITS;
}
