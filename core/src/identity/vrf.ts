/**
 * A verifiable random function: ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381, on an ordinary Ed25519 key. Its owner gets one
 * random-looking output for each input, cannot choose it, and can prove that it is the one.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import { sameBytes } from '../wire/canonical.ts';

export const VRF_PROOF_BYTES = 80;
export const VRF_OUTPUT_BYTES = 64;
const POINT_BYTES = 32;
const CHALLENGE_BYTES = 16;
const SUITE = 0x03;

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const { Fn } = Point;

/** `secretKey`: the 32 bytes of RFC 8032. §5.1 */
export function proveVrf(secretKey: Uint8Array, alpha: Uint8Array): Uint8Array {
  const { prefix, scalar, point, pointBytes } = ed25519.utils.getExtendedPublicKey(secretKey);
  const h = encodeToCurve(pointBytes, alpha);
  const gamma = h.multiply(scalar);
  // §5.4.2.2, as in RFC 8032 §5.1.6.
  const nonce = Fn.create(littleEndian(sha512(concatBytes(prefix, h.toBytes()))));
  const challenge = challengeOf(point, h, gamma, Point.BASE.multiply(nonce), h.multiply(nonce));
  const s = Fn.create(nonce + littleEndian(challenge) * scalar);
  return concatBytes(gamma.toBytes(), challenge, Fn.toBytes(s));
}

/** The output, 64 bytes; null: it is not the proof of this key for this input. Never throws. §5.3 */
export function verifyVrf(publicKey: Uint8Array, alpha: Uint8Array, proof: Uint8Array): Uint8Array | null {
  if (proof.byteLength !== VRF_PROOF_BYTES) return null;
  const y = readPoint(publicKey);
  const gamma = readPoint(proof.subarray(0, POINT_BYTES));
  // §5.4.5: a key of small order would have proofs for many outputs.
  if (y === null || gamma === null || y.isSmallOrder()) return null;
  const challenge = proof.subarray(POINT_BYTES, POINT_BYTES + CHALLENGE_BYTES);
  const s = littleEndian(proof.subarray(POINT_BYTES + CHALLENGE_BYTES));
  if (s >= Fn.ORDER) return null;
  const h = encodeToCurve(publicKey, alpha);
  const c = littleEndian(challenge);
  const u = Point.BASE.multiplyUnsafe(s).subtract(y.multiplyUnsafe(c));
  const v = h.multiplyUnsafe(s).subtract(gamma.multiplyUnsafe(c));
  if (!sameBytes(challengeOf(y, h, gamma, u, v), challenge)) return null;
  return sha512(concatBytes(Uint8Array.of(SUITE, 0x03), gamma.clearCofactor().toBytes(), Uint8Array.of(0)));
}

/** §5.4.1.1: tries until a digest is a point. Every other one is, so that 256 tries never fail. */
function encodeToCurve(salt: Uint8Array, alpha: Uint8Array): Point {
  for (let counter = 0; counter < 256; counter++) {
    const digest = sha512(
      concatBytes(Uint8Array.of(SUITE, 0x01), salt, alpha, Uint8Array.of(counter), Uint8Array.of(0)),
    );
    const point = readPoint(digest.subarray(0, POINT_BYTES))?.clearCofactor();
    if (point !== undefined && !point.is0()) return point;
  }
  throw new Error('No digest of this input is a point.');
}

/** §5.4.3 */
function challengeOf(...points: Point[]): Uint8Array {
  const all = points.map((point) => point.toBytes());
  return sha512(concatBytes(Uint8Array.of(SUITE, 0x02), ...all, Uint8Array.of(0))).slice(0, CHALLENGE_BYTES);
}

/** As RFC 8032 §5.1.3 decodes: no second spelling of a point. */
function readPoint(bytes: Uint8Array): Point | null {
  try {
    return Point.fromBytes(bytes);
  } catch {
    // It is no point, or not its canonical form: a stranger's bytes may be anything.
    return null;
  }
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
