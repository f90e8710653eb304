/**
 * What a provider's attestation is worth (`wire/attestation.ts`). A place for hardware and proofs, and no pretence: what
 * nobody here can verify is not checked, and is worth nothing.
 */
import { fromBase32 } from '../base/base32.ts';
import type { PeerId } from '../base/ids.ts';
import { attestorOf, type Attestation } from '../wire/attestation.ts';
import type { Candidate } from '../wire/candidate.ts';

/** What an attestation must be about: nobody can show another's, or that of another model. */
export interface Subject {
  readonly provider: PeerId;
  /** The SHA-256 of the model's file, in hex. */
  readonly file: string;
  /** Seconds since 1970. */
  readonly nowSeconds: number;
}

/** One vendor's or system's way to tell. True: it vouches for exactly this subject, now. Never throws for bad bytes. */
export interface Verifier {
  readonly kind: 'tee' | 'zk';
  /** The vendor or the system. */
  readonly name: string;
  check(proof: Uint8Array, subject: Subject): boolean;
}

export type Attested = 'verified' | 'refuted' | 'not checked';

/** `refuted`: a verifier for it says that it does not hold. `not checked`: there is none, or nothing is claimed. */
export function attested(
  attestation: Attestation | undefined,
  subject: Subject,
  verifiers: readonly Verifier[],
): Attested {
  if (attestation === undefined || attestation.kind === 'none') return 'not checked';
  const by = attestorOf(attestation);
  const verifier = verifiers.find(({ kind, name }) => kind === attestation.kind && name === by);
  if (verifier === undefined) return 'not checked';
  const proof = fromBase32(attestation.kind === 'tee' ? attestation.quote : attestation.proof);
  return proof !== null && verifier.check(proof, subject) ? 'verified' : 'refuted';
}

/** What a requester insists on. Left out: nothing. */
export interface Wanted {
  /** Verified by this vendor or system; null: by any that can be verified here. */
  readonly attestedBy?: string | null | undefined;
}

/** Those that a question may go to. Who claims what is refuted is sent none, whatever was asked for. */
export function admitted<C extends Pick<Candidate, 'peerId' | 'model'>>(
  candidates: readonly C[],
  { attestedBy }: Wanted,
  verifiers: readonly Verifier[],
  nowSeconds: number,
): C[] {
  return candidates.filter(({ peerId: provider, model: { attestation, sha256: file } }) => {
    // Without a file there is nothing that could be vouched for.
    const result = file === null ? 'not checked' : attested(attestation, { provider, file, nowSeconds }, verifiers);
    if (attestedBy === undefined || result === 'refuted') return result !== 'refuted';
    return result === 'verified' && (attestedBy === null || attestedBy === attestorOf(attestation));
  });
}
