/** A peer of the mesh in Node: core's, on `ws` and libdatachannel. */
import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '@llmesh/core/base/clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Host } from '@llmesh/core/host';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { openPeer, type OpenPeer, type PeerOptions } from '@llmesh/core/open-peer';
import { MAX_SEALED_BYTES } from '@llmesh/core/protocol';
import { connectWebRtc, loadPeerJs, releaseWebRtc } from './datachannel.ts';
import { openSocket } from '../web/outgoing.ts';
import { MeshDial } from './mesh-dial.ts';

/** A closed link may take this long to tell the other end. */
const LAST_WORDS_MS = 100;

/** While any is open, the threads that they share must not end. */
let nodes = 0;

export function nodeHost(address: URL): Host {
  const dial = new MeshDial(address);
  return {
    agent: 'native',
    prove: proveKey,
    Peer: loadPeerJs(),
    hidesBehindTurn: false,
    openSocket: dial.open,
    openRelaySocket: (url) => openSocket(url, { maxPayload: MAX_SEALED_BYTES }),
    connect: connectWebRtc,
    newIdentity: () => nodeIdentity(randomBytes(SECRET_KEY_BYTES)),
    verify: nodeVerify,
    clock: realClock,
    random: Math.random,
    now: Date.now,
    why: () => dial.why(),
  };
}

/** A new peer of the mesh at `address`. It connects on its own, now and whenever the connection breaks. */
export async function openMeshNode(address: URL, options: PeerOptions = {}): Promise<OpenPeer> {
  const peer = await openPeer(nodeHost(address), address, options);
  nodes += 1;
  let open = true;
  return {
    ...peer,
    async close() {
      if (open) nodes -= 1;
      open = false;
      await peer.close();
    },
  };
}

/** `#host` of core in Node: its `connect` opens peers with this, and the last of them to close ends the threads. */
export async function openPeerHere(address: URL, options: PeerOptions): Promise<OpenPeer> {
  const peer = await openMeshNode(address, options);
  return {
    ...peer,
    async close() {
      await peer.close();
      releaseMeshNodes();
    },
  };
}

/**
 * For a command, which exits then: libdatachannel's threads end with the process. `releaseMeshNodes` would wait for them, with
 * everything else standing still.
 */
export async function leaveMesh(node: OpenPeer): Promise<void> {
  await node.close();
  await delay(LAST_WORDS_MS);
}

/**
 * For processes that go on or end by themselves, as tests do: ends what WebRTC keeps running, once every node is closed.
 */
export function releaseMeshNodes(): void {
  if (nodes === 0) releaseWebRtc();
}
