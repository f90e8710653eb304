/** What every host composes its mesh on: PeerJS over WebRTC, each link sealed by the peer's own key. */
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import { MeshError } from './errors.ts';
import type { PeerId } from './ids.ts';
import { PeerJsLink } from './peerjs-link.ts';
import { PeerJsTransport, type PeerJsTransportOptions } from './peerjs-transport.ts';
import type { IceServer } from './protocol.ts';
import { SealedTransport } from './seal.ts';
import type { Link, Transport } from './transport.ts';

export interface SealedWebRtcOptions extends Omit<PeerJsTransportOptions, 'self'> {
  credentials: Credentials;
  /** A stranger's link was refused, and why. */
  refused?: (peer: PeerId, error: MeshError) => void;
}

export interface SealedWebRtc {
  transport: Transport;
  /** See `PeerJsTransport.start`. */
  start: (iceServers: readonly IceServer[], token: string) => void;
}

export function openSealedWebRtc({ credentials, refused, ...options }: SealedWebRtcOptions): SealedWebRtc {
  const clock: Clock = options.clock;
  const webRtc = new PeerJsTransport({ ...options, self: credentials.peerId });
  const transport = new SealedTransport(webRtc, {
    credentials,
    prologue,
    clock,
    ...(refused && { refused }),
  });
  return { transport, start: (iceServers, token) => webRtc.start(iceServers, token) };
}

function prologue(link: Link): Uint8Array {
  if (link instanceof PeerJsLink) return link.prologue();
  throw new MeshError('connect_failed', 'The connection could not be sealed.');
}
