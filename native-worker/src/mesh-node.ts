/** A peer of the mesh in Node: control connection, WebRTC, and the mesh on top. */
import { WebSocket } from 'ws';
import { realClock } from '@llmesh/core/clock';
import { ControlClient } from '@llmesh/core/control';
import { proveKey } from '@llmesh/core/key-proof';
import { makeCredentials } from '@llmesh/core/credentials';
import { SECRET_KEY_BYTES, softwareIdentity, type Identity } from '@llmesh/core/identity';
import { Mesh } from '@llmesh/core/mesh';
import type { PeerJsTransportOptions } from '@llmesh/core/peerjs-transport';
import { MAX_MESSAGE_BYTES } from '@llmesh/core/protocol';
import { randomBytes } from '@llmesh/core/random-bytes';
import { openSealedWebRtc, type SealedWebRtc } from '@llmesh/core/sealed-webrtc';
import { loadPeerJs, releaseWebRtc } from './datachannel.ts';

export interface MeshNode {
  readonly mesh: Mesh;
  readonly control: ControlClient;
  /** Leaves the mesh. Idempotent. */
  close(): void;
}

/** Let go of before the last of them may end the threads they share. */
let nodes = 0;

/** A new peer of the mesh at `address`. It connects on its own, now and whenever the connection breaks. */
export async function openMeshNode(address: URL, identity = throwAwayIdentity()): Promise<MeshNode> {
  const { transport, control } = await openWebRtc(address, identity);
  const mesh = new Mesh({ control, transport, clock: realClock, random: Math.random });
  nodes += 1;
  control.start();
  let open = true;
  return {
    mesh,
    control,
    close() {
      if (!open) return;
      open = false;
      nodes -= 1;
      mesh.close();
    },
  };
}

/** Without the mesh on top: the transport comes up when `control` was started and let in. */
export async function openWebRtc(
  address: URL,
  identity = throwAwayIdentity(),
): Promise<Pick<SealedWebRtc, 'transport'> & { control: ControlClient }> {
  const { transport, start } = openSealedWebRtc({
    ...webRtcOptions(address),
    credentials: await makeCredentials(identity),
  });
  const control = openControl(address, identity);
  control.onWelcome = ({ iceServers, signalToken }) => start(iceServers, signalToken);
  return { transport, control };
}

/** The connection to `/mesh` alone. It has to be started. */
export function openControl(address: URL, identity: Identity): ControlClient {
  return new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    identity,
    prove: proveKey,
    agent: 'native',
    openSocket: (url) => new WebSocket(url, { maxPayload: MAX_MESSAGE_BYTES }),
    clock: realClock,
    random: Math.random,
  });
}

/** For peers that nobody needs to know again. */
export function throwAwayIdentity(): Identity {
  return softwareIdentity(randomBytes(SECRET_KEY_BYTES));
}

/** All but who we are. */
export function webRtcOptions(address: URL): Omit<PeerJsTransportOptions, 'self'> {
  const secure = address.protocol === 'https:';
  return {
    Peer: loadPeerJs(),
    host: address.hostname,
    port: Number(address.port) || (secure ? 443 : 80),
    secure,
    clock: realClock,
    random: Math.random,
  };
}

/** For the end of the process: ends what WebRTC keeps running, once every node is closed. */
export function releaseMeshNodes(): void {
  if (nodes === 0) releaseWebRtc();
}
