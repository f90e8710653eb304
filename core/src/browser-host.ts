/** The host of a peer in a browser: WebRTC and WebSocket are built in, PeerJS is fetched when it is needed. */
import { realClock } from './base/clock.ts';
import { randomBytes } from './base/random-bytes.ts';
import type { SocketLike } from './control/control-connection.ts';
import { unreachable } from './control/control-requests.ts';
import type { Host } from './host.ts';
import { SECRET_KEY_BYTES, softwareIdentity } from './identity/identity.ts';
import { proveKey } from './identity/key-proof.ts';
import { openPeer, type OpenPeer, type PeerOptions } from './open-peer.ts';
import type { PeerJsTransportOptions } from './transport/peerjs-transport.ts';
import type { RelaySocket } from './transport/relay-link.ts';
import type { RtcPeerConnection } from './transport/rtc-connection.ts';

/** The parts of a browser that we use. */
interface Browser {
  WebSocket: new (url: string) => SocketLike & RelaySocket;
  RTCPeerConnection: new (config: object) => RtcPeerConnection;
}

export async function browserHost(): Promise<Host> {
  const { WebSocket, RTCPeerConnection } = globalThis as unknown as Browser;
  // PeerJS looks for a browser as soon as it is loaded. Its types lack the part that `signal-filter.ts` replaces.
  const { Peer } = (await import('peerjs')) as unknown as Pick<PeerJsTransportOptions, 'Peer'>;
  const openSocket = (url: string) => new WebSocket(url);
  return {
    agent: 'browser',
    prove: proveKey,
    Peer,
    hidesBehindTurn: true,
    openSocket,
    openRelaySocket: openSocket,
    connect: (config) => new RTCPeerConnection(config),
    newIdentity: () => softwareIdentity(randomBytes(SECRET_KEY_BYTES)),
    clock: realClock,
    random: Math.random,
    now: Date.now,
    // Browsers tell programs nothing about why a connection failed.
    why: () => Promise.resolve(unreachable().message),
  };
}

/** `client.ts` opens its peers with this; another host provides its own under the name `#host`, see `package.json`. */
export async function openPeerHere(address: URL, options: PeerOptions): Promise<OpenPeer> {
  return openPeer(await browserHost(), address, options);
}
