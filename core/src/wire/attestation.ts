/**
 * What a provider says proves its work beside audits: hardware that vouches for its program, or a proof of the computation.
 * `policy/attestation.ts` says what it is worth.
 */
import * as v from 'valibot';
import { base32UpTo } from './fields.ts';

/** The longest quote or proof, in bytes: what the hardware of today makes. */
export const MAX_ATTESTATION_BYTES = 6_144;

/** A vendor or a system. */
export const attestorName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,31}$/));
const proof = base32UpTo(MAX_ATTESTATION_BYTES);
export const AttestationSchema = v.variant('kind', [
  v.object({ kind: v.literal('none') }),
  v.object({ kind: v.literal('tee'), vendor: attestorName, quote: proof }),
  v.object({ kind: v.literal('zk'), system: attestorName, proof }),
]);
export type Attestation = v.InferOutput<typeof AttestationSchema>;

/** Who is said to vouch; null: nobody. Whether that is true, its reader has to check. */
export function attestorOf(attestation: Attestation | undefined): string | null {
  if (attestation === undefined || attestation.kind === 'none') return null;
  return attestation.kind === 'tee' ? attestation.vendor : attestation.system;
}
