/**
 * What a provider says proves its work beside audits: hardware that vouches for the program, or a proof of the computation.
 * A place for both and no pretence: what nobody here can verify is not checked, and is worth nothing.
 */
import * as v from 'valibot';
import type { PeerId } from '../base/ids.ts';

/** The longest quote or proof, in bytes. */
export const MAX_ATTESTATION_BYTES = 16_384;

const name = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,31}$/));
const blob = v.pipe(
  v.custom<Uint8Array>((value) => value instanceof Uint8Array),
  v.check(({ byteLength }) => byteLength > 0 && byteLength <= MAX_ATTESTATION_BYTES),
);
export const AttestationSchema = v.variant('kind', [
  v.object({ kind: v.literal('none') }),
  v.object({ kind: v.literal('tee'), vendor: name, quote: blob }),
  v.object({ kind: v.literal('zk'), system: name, proof: blob }),
]);
export type Attestation = v.InferOutput<typeof AttestationSchema>;

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
  const [named, proof] =
    attestation.kind === 'tee' ? [attestation.vendor, attestation.quote] : [attestation.system, attestation.proof];
  const verifier = verifiers.find((one) => one.kind === attestation.kind && one.name === named);
  if (verifier === undefined) return 'not checked';
  return verifier.check(proof, subject) ? 'verified' : 'refuted';
}

/** What a requester insists on. Left out: nothing. */
export interface Wanted {
  /** Verified by this vendor or system; null: by any that can be verified here. */
  readonly attestedBy?: string | null;
}

/** Those that a question may go to. Who claims what is refuted gets none, whatever is asked for. */
export function admitted<C>(
  candidates: readonly C[],
  wanted: Wanted,
  claim: (candidate: C) => { attestation: Attestation | undefined; subject: Subject },
  verifiers: readonly Verifier[],
): C[] {
  return candidates.filter((candidate) => {
    const { attestation, subject } = claim(candidate);
    const result = attested(attestation, subject, verifiers);
    if (wanted.attestedBy === undefined || result === 'refuted') return result !== 'refuted';
    return result === 'verified' && (wanted.attestedBy === null || wanted.attestedBy === nameOf(attestation));
  });
}

function nameOf(attestation: Attestation | undefined): string | null {
  if (attestation === undefined || attestation.kind === 'none') return null;
  return attestation.kind === 'tee' ? attestation.vendor : attestation.system;
}
