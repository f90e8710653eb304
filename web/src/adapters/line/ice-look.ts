/** The addresses of this device as its browser finds them (ICE gathering, RFC 8445): nobody is connected to. */
import type { IceServer } from '@llmesh/core/wire/control-protocol';
import type { Found, Looked } from '../../state/donate/checks/reach.ts';

/** Servers that do not answer would be waited for much longer. */
const PATIENCE_MS = 8_000;

/** Rejects where the browser has no WebRTC, or refuses it. */
export async function lookByIce(iceServers: readonly IceServer[]): Promise<Looked> {
  const connection = new RTCPeerConnection({ iceServers: [...iceServers] as RTCIceServer[] });
  const found: Found[] = [];
  try {
    const whole = new Promise<void>((resolve) => {
      connection.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate === null) return resolve();
        if (candidate.type === null || candidate.protocol === null) return;
        const { type, protocol, port, relatedPort } = candidate;
        found.push({ type, protocol, port, relatedPort });
      });
    });
    connection.createDataChannel('look');
    await connection.setLocalDescription(await connection.createOffer());
    const enough = AbortSignal.timeout(PATIENCE_MS);
    await Promise.race([whole, new Promise<void>((resolve) => enough.addEventListener('abort', () => resolve()))]);
  } finally {
    connection.close();
  }
  const urls = iceServers.flatMap(({ urls: of }) => of);
  const beginning = (scheme: RegExp) => urls.filter((url) => scheme.test(url)).length;
  return { found, asked: { stun: beginning(/^stuns?:/i), turn: beginning(/^turns?:/i) } };
}
