/**
 * What both ends of a WebRTC connection see alike, and nobody between two connections can forge: the fingerprints
 * of both certificates (RFC 8122 §5). Bound into the handshake, they tell a direct connection from a relayed lie.
 */
import { MeshError } from '../base/errors.ts';

const FINGERPRINT = /^a=fingerprint:(sha-(?:256|384|512)) ([0-9a-f]{2}(?::[0-9a-f]{2})+)\s*$/gim;
/** No description of a data channel comes near this length. */
const MAX_SDP_LENGTH = 65_536;

/** Made from the SDP of `localDescription` and `remoteDescription`, in this order at either end. Throws seal_failed. */
export function dtlsPrologue(localSdp: string, remoteSdp: string): Uint8Array {
  const ends = [fingerprints(localSdp), fingerprints(remoteSdp)].sort();
  return new TextEncoder().encode(`dtls ${ends.join(' ')}`);
}

/** All fingerprints, so that one slipped in beside the true one shows, too. */
function fingerprints(sdp: string): string {
  const found = new Set<string>();
  if (sdp.length <= MAX_SDP_LENGTH) {
    for (const [, hash = '', value = ''] of sdp.matchAll(FINGERPRINT)) found.add(`${hash}:${value}`.toLowerCase());
  }
  if (found.size === 0) {
    throw new MeshError('seal_failed', 'This browser does not say what the connection is encrypted with.');
  }
  return [...found].sort().join(',');
}
