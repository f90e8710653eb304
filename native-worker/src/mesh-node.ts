/** A peer of the mesh in Node: control connection, WebRTC, and the mesh on top. */
import { WebSocket } from 'ws';
import { realClock } from '@llmesh/core/clock';
import { ControlClient } from '@llmesh/core/control';
import { makeCredentials } from '@llmesh/core/credentials';
import { SECRET_KEY_BYTES, softwareIdentity } from '@llmesh/core/identity';
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
export async function openMeshNode(address: URL): Promise<MeshNode> {
  const clock = realClock;
  const random = Math.random;
  const { transport, start } = await openWebRtc(address);
  const self = transport.self;
  const control = new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    self,
    agent: 'native',
    openSocket: (url) => new WebSocket(url, { maxPayload: MAX_MESSAGE_BYTES }),
    clock,
    random,
  });
  control.onIceServers = start;
  const mesh = new Mesh({ control, transport, clock, random });
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

/** The transport of a new peer alone, for whoever needs no control plane. Its key lives as long as it does. */
export async function openWebRtc(address: URL): Promise<SealedWebRtc> {
  const identity = softwareIdentity(randomBytes(SECRET_KEY_BYTES));
  return openSealedWebRtc({ ...webRtcOptions(address), credentials: await makeCredentials(identity) });
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
