/** A peer of the mesh in Node: control connection, WebRTC, and the mesh on top. */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { realClock } from '@llmesh/core/base/clock';
import { ControlClient } from '@llmesh/core/control/control';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { makeCredentials } from '@llmesh/core/transport/seal/credentials';
import { SECRET_KEY_BYTES, type Identity } from '@llmesh/core/identity/identity';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { MeshError } from '@llmesh/core/base/errors';
import { MemoryReceiptKeeper } from '@llmesh/core/receipts/memory-receipt-keeper';
import { Mesh } from '@llmesh/core/mesh';
import type { PeerJsTransportOptions } from '@llmesh/core/transport/peerjs-transport';
import type { ReceiptFilerOptions } from '@llmesh/core/receipts/receipt-filer';
import type { ReceiptKeeper } from '@llmesh/core/receipts/receipt-keeper';
import type { RelaySocket } from '@llmesh/core/transport/relay-link';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { openPaths, type Paths, type PathsOptions } from '@llmesh/core/open-paths';
import { connectWebRtc, loadPeerJs, releaseWebRtc } from './datachannel.ts';
import { MeshDial } from './mesh-dial.ts';
import { MAX_SEALED_BYTES } from '@llmesh/core/protocol';

export interface MeshNode {
  readonly mesh: Mesh;
  readonly control: ControlClient;
  /** Why it is not in the mesh, for a person, while it is not. Never rejects. */
  why: () => Promise<string>;
  /** Leaves the mesh. Resolves when its receipts are kept. Idempotent. */
  close(): Promise<void>;
}

/** So long a link that was closed may take to tell the other end. */
const LAST_WORDS_MS = 100;
/** Links to other providers that one keeps. */
const NEIGHBOURS = 2;

/** Let go of before the last of them may end the threads they share. */
let nodes = 0;

export interface NodeOptions {
  /** Left out: one that nobody needs to know again. */
  identity?: Identity;
  /** Identifies on no link: the identity is only the control plane's. Calls providers, and cannot be called. */
  anonymous?: boolean;
  /** Keeps this computer's address from the others: all goes through the control plane. */
  hidden?: boolean;
  /** Closed with the node. Left out: receipts are kept as long as the node is open. */
  receipts?: ReceiptKeeper;
  /** A receipt could not be kept, or will never be filed. Left out: nobody minds, as for a passer-by. */
  failed?: (error: MeshError) => void;
  /** See `ReceiptFilerOptions.changed`. */
  receiptsChanged?: NonNullable<ReceiptFilerOptions['changed']>;
}

/** A new peer of the mesh at `address`. It connects on its own, now and whenever the connection breaks. */
export async function openMeshNode(address: URL, options: NodeOptions = {}): Promise<MeshNode> {
  const { identity = throwAwayIdentity(), receipts = new MemoryReceiptKeeper(), failed = () => {} } = options;
  const { receiptsChanged: changed } = options;
  const { transport, introductions, control, dial } = await openNodePaths(address, { ...options, identity });
  const mesh = new Mesh({
    control,
    transport,
    introductions,
    identity,
    receipts: { keeper: receipts, failed, ...(changed && { changed }) },
    clock: realClock,
    now: Date.now,
    random: Math.random,
    verify: nodeVerify,
    neighbours: () => (options.hidden === true ? 0 : NEIGHBOURS),
  });
  nodes += 1;
  control.start();
  let open = true;
  return {
    mesh,
    control,
    why: () => dial.why(),
    async close() {
      if (open) nodes -= 1;
      open = false;
      await mesh.close();
    },
  };
}

/** Without the mesh on top: the paths come up when `control` was started and let in. */
export async function openNodePaths(
  address: URL,
  { identity = throwAwayIdentity(), anonymous = false, hidden = false }: NodeOptions = {},
): Promise<Paths & { control: ControlClient; dial: MeshDial }> {
  const dial = new MeshDial(address);
  const control = openControl(address, identity, dial);
  const paths = openPaths({
    ...webRtcOptions(address),
    self: identity.peerId,
    credentials: anonymous ? null : await makeCredentials(identity),
    control,
    openSocket: openRelaySocket,
  });
  paths.setHidden(hidden);
  return { ...paths, control, dial };
}

/** For `/relay`. */
export function openRelaySocket(url: string): RelaySocket {
  return new WebSocket(url, { maxPayload: MAX_SEALED_BYTES });
}

/** The connection to `/mesh` alone. It has to be started. */
export function openControl(address: URL, identity: Identity, dial = new MeshDial(address)): ControlClient {
  return new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    identity,
    prove: proveKey,
    agent: 'native',
    openSocket: dial.open,
    clock: realClock,
    random: Math.random,
  });
}

/** For peers that nobody needs to know again. */
export function throwAwayIdentity(): Identity {
  return nodeIdentity(randomBytes(SECRET_KEY_BYTES));
}

/** All but who we are. */
export function webRtcOptions(address: URL): Omit<PeerJsTransportOptions, 'self'> & Pick<PathsOptions, 'connect'> {
  const secure = address.protocol === 'https:';
  return {
    Peer: loadPeerJs(),
    connect: connectWebRtc,
    host: address.hostname,
    port: Number(address.port) || (secure ? 443 : 80),
    secure,
    clock: realClock,
    random: Math.random,
    hidesBehindTurn: false,
  };
}

/**
 * For a command, which exits then. libdatachannel's threads end with the process: `releaseMeshNodes` would wait for them,
 * with everything else standing still; now and then that took ten seconds, and then it threw "cleanup timeout".
 */
export async function leaveMesh(node: MeshNode): Promise<void> {
  await node.close();
  await delay(LAST_WORDS_MS);
}

/**
 * For processes that go on or end by themselves, as tests do: ends what WebRTC keeps running, once every node is closed.
 */
export function releaseMeshNodes(): void {
  if (nodes === 0) releaseWebRtc();
}
