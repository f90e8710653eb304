/**
 * Which answers are checked, and by whom: drawn by a number that nobody could foresee when the receipts were filed, nor
 * choose afterwards. The control plane makes one in each epoch and signs it.
 */
import * as v from 'valibot';
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { toBase32 } from '../base/base32.ts';
import type { PeerId } from '../base/ids.ts';
import { PUBLIC_KEY_BYTES, verify, type Identity } from '../identity/identity.ts';
import { openRecord, signRecord } from '../identity/signed-record.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';
import { MAX_DRAW_BYTES } from '../wire/audit-messages.ts';
import { proveVrf, verifyVrf, VRF_PROOF_BYTES } from '../identity/vrf.ts';

export const ROOT_BYTES = 32;
const VERSION = 1;
const TWO_48 = 2 ** 48;

export interface Draw {
  /** Counts from the control plane's first one. */
  readonly epoch: number;
  /** The digest of the receipts that were filed in it: `rootOf`. */
  readonly root: Uint8Array;
  /** The number that decides, 64 bytes. */
  readonly beta: Uint8Array;
}

const DrawSchema = v.strictTuple([
  v.literal(VERSION),
  v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  v.pipe(v.instance(Uint8Array), v.length(ROOT_BYTES)),
  v.pipe(v.instance(Uint8Array), v.length(VRF_PROOF_BYTES)),
]);

/** One digest of the digests of receipts, whatever their order. */
export function rootOf(receipts: readonly Uint8Array[]): Uint8Array {
  const hash = sha256.create().update(new TextEncoder().encode('llmesh/5/epoch\0'));
  for (const [, receipt] of receipts.map((one) => [toBase32(one), one] as const).toSorted(byName)) hash.update(receipt);
  return hash.digest();
}

/** `secretKey` is that of `control`: a VRF needs it as it is. */
export async function signDraw(
  { epoch, root }: Pick<Draw, 'epoch' | 'root'>,
  control: Identity,
  secretKey: Uint8Array,
): Promise<{ draw: Draw; bytes: Uint8Array<ArrayBuffer> }> {
  const alpha = alphaOf(epoch, root);
  const proof = proveVrf(secretKey, alpha);
  const beta = verifyVrf(control.publicKey, alpha, proof);
  if (beta === null) throw new Error('The secret key is not that of this identity.');
  const bytes = await signRecord('audit-draw', canonical([VERSION, epoch, root, proof]), control);
  return { draw: { epoch, root, beta }, bytes };
}

/** The draw of this control plane; otherwise null. */
export function readDraw(bytes: Uint8Array, issuer: PeerId, check = verify): Draw | null {
  const record = openRecord('audit-draw', bytes, MAX_DRAW_BYTES, check);
  const fields = record === null ? null : readCanonical(DrawSchema, record.body);
  if (record === null || fields === null || record.signer !== issuer) return null;
  const [, epoch, root, proof] = fields;
  const beta = verifyVrf(bytes.subarray(0, PUBLIC_KEY_BYTES), alphaOf(epoch, root), proof);
  return beta === null ? null : { epoch, root: new Uint8Array(root), beta };
}

/** Is this receipt drawn? `receipt`: the SHA-256 of the provider's half. `share`: 0 to 1. */
export function selected(beta: Uint8Array, receipt: Uint8Array, share: number): boolean {
  return first48(sha256(canonical(['llmesh/5/selected', beta, receipt]))) / TWO_48 < share;
}

/**
 * Up to `count` of the eligible, in the order in which they are asked. Each one's place depends on itself alone, so that
 * nobody who comes or goes moves the others.
 */
export function drawAuditors(
  beta: Uint8Array,
  receipt: Uint8Array,
  eligible: readonly PeerId[],
  count: number,
): PeerId[] {
  const drawn = sha256(canonical(['llmesh/5/auditors', beta, receipt]));
  const text = new TextEncoder();
  return eligible
    .map((peer) => ({ peer, place: first48(sha256(concatBytes(drawn, text.encode(peer)))) }))
    .toSorted((a, b) => a.place - b.place || byName([a.peer, null], [b.peer, null]))
    .slice(0, count)
    .map(({ peer }) => peer);
}

function first48(digest: Uint8Array): number {
  const view = new DataView(digest.buffer, digest.byteOffset);
  return view.getUint32(0) * 2 ** 16 + view.getUint16(4);
}

function alphaOf(epoch: number, root: Uint8Array): Uint8Array {
  return canonical(['llmesh/5/draw', epoch, root]);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
