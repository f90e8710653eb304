/** A peer of the mesh in Node: control connection, WebRTC, and the mesh on top. */
import { WebSocket } from 'ws';
import { realClock } from '@llmesh/core/clock';
import { ControlClient } from '@llmesh/core/control';
import { newPeerId, type PeerId } from '@llmesh/core/ids';
import { Mesh } from '@llmesh/core/mesh';
import { PeerJsTransport } from '@llmesh/core/peerjs-transport';
import { MAX_MESSAGE_BYTES } from '@llmesh/core/protocol';
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
export function openMeshNode(address: URL): MeshNode {
  const self = newPeerId();
  const clock = realClock;
  const random = Math.random;
  const transport = peerJsTransport(address, self);
  const control = new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    self,
    agent: 'native',
    openSocket: (url) => new WebSocket(url, { maxPayload: MAX_MESSAGE_BYTES }),
    clock,
    random,
  });
  control.onIceServers = (servers) => transport.start(servers);
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

/** The transport alone, for whoever needs no control plane. */
export function peerJsTransport(address: URL, self: PeerId): PeerJsTransport {
  const secure = address.protocol === 'https:';
  return new PeerJsTransport({
    Peer: loadPeerJs(),
    self,
    host: address.hostname,
    port: Number(address.port) || (secure ? 443 : 80),
    secure,
    clock: realClock,
    random: Math.random,
  });
}

/** For the end of the process: ends what WebRTC keeps running, once every node is closed. */
export function releaseMeshNodes(): void {
  if (nodes === 0) releaseWebRtc();
}
