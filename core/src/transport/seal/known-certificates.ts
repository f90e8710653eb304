/** The certificates that providers have shown in their adverts, for a client that stays anonymous before them. */
import { BoundedMap } from '../../base/bounded-map.ts';
import { fromBase32 } from '../../base/base32.ts';
import { readCertificate } from './credentials.ts';
import type { PeerId } from '../../base/ids.ts';

/** How many providers are remembered; beyond that, those seen longest ago are forgotten. */
const MAX_KNOWN = 256;

export class KnownCertificates {
  /** They are kept as they came: signatures are checked when a provider is dialled, not when it is merely named. */
  #certificates = new BoundedMap<PeerId, string>(MAX_KNOWN);

  learn(peer: PeerId, certificate: string): void {
    this.#certificates.set(peer, certificate);
  }

  /** Null: it has shown no certificate, or one that is not its own. */
  staticKeyOf(peer: PeerId): Uint8Array | null {
    const bytes = fromBase32(this.#certificates.get(peer) ?? '');
    return bytes === null ? null : readCertificate(bytes, peer);
  }
}
