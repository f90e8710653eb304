/** A peer of a mesh in a browser, for programs that are not our page: WebRTC and WebSocket are the browser's own. */
import { realClock } from './base/clock.ts';
import { ControlClient } from './control/control.ts';
import type { SocketLike } from './control/control-connection.ts';
import { makeCredentials } from './transport/seal/credentials.ts';
import { SECRET_KEY_BYTES, softwareIdentity, type Identity } from './identity/identity.ts';
import { proveKey } from './identity/key-proof.ts';
import { MemoryReceiptKeeper } from './receipts/memory-receipt-keeper.ts';
import { Mesh, type OpenedMesh } from './mesh.ts';
import { openPaths } from './open-paths.ts';
import type { PeerJsTransportOptions } from './transport/peerjs-transport.ts';
import { randomBytes } from './base/random-bytes.ts';
import type { RelaySocket } from './transport/relay-link.ts';
import type { RtcPeerConnection } from './transport/rtc-connection.ts';

/** What is used of a browser. */
interface Browser {
  WebSocket: new (url: string) => SocketLike & RelaySocket;
  RTCPeerConnection: new (config: object) => RtcPeerConnection;
}

/** Connects on its own, now and whenever the connection breaks. Receipts are kept as long as it is open. */
export async function openBrowserMesh(
  address: URL,
  {
    identity = softwareIdentity(randomBytes(SECRET_KEY_BYTES)),
    hidden = false,
  }: { identity?: Identity; hidden?: boolean },
): Promise<OpenedMesh> {
  const { WebSocket, RTCPeerConnection } = globalThis as unknown as Browser;
  // It looks for a browser as soon as it is loaded.
  const { Peer } = (await import('peerjs')) as unknown as { Peer: PeerJsTransportOptions['Peer'] };
  const random = Math.random;
  const secure = address.protocol === 'https:';
  const control = new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    identity,
    prove: proveKey,
    agent: 'browser',
    clock: realClock,
    random,
    openSocket: (url) => new WebSocket(url),
  });
  const { transport, introductions, setHidden } = openPaths({
    Peer,
    control,
    self: identity.peerId,
    credentials: await makeCredentials(identity),
    clock: realClock,
    random,
    openSocket: (url) => new WebSocket(url),
    connect: (config) => new RTCPeerConnection(config),
    host: address.hostname,
    port: Number(address.port) || (secure ? 443 : 80),
    secure,
    hidesBehindTurn: true,
  });
  setHidden(hidden);
  const mesh = new Mesh({
    control,
    transport,
    introductions,
    identity,
    clock: realClock,
    now: Date.now,
    random,
    // What cannot be filed is lost with the page, as with any passer-by.
    receipts: { keeper: new MemoryReceiptKeeper(), failed: () => {} },
    neighbours: () => 0,
  });
  control.start();
  return { mesh, control, close: () => mesh.close() };
}
