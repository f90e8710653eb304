/** Composes a peer of a mesh on any host: the connection to the control plane, the paths to others, the mesh on top. */
import type { ControlClient } from './control/control.ts';
import type { Host } from './host.ts';
import { verify, type Identity } from './identity/identity.ts';
import { identityIn, verifyIn } from './identity/network-bound.ts';
import { Mesh, type MeshOptions } from './mesh.ts';
import { openControl } from './open-control.ts';
import { openPaths, type Paths } from './open-paths.ts';
import { MemoryReceiptKeeper } from './receipts/memory-receipt-keeper.ts';
import { DiscreetTransport } from './transport/discreet-transport.ts';
import { makeCredentials } from './transport/seal/credentials.ts';

/** The links that a provider keeps to others, over which peers find each other while the control plane is away. */
const NEIGHBOURS = 2;

export interface PeerOptions {
  /** Left out: a new identity that nobody needs to recognise. */
  identity?: Identity;
  /** Identifies itself on no link: only the control plane knows it. It calls providers, and cannot be called. */
  anonymous?: boolean;
  /** Keeps this computer's address from others: all goes through relays. */
  hidden?: boolean;
  /** A client for this identity; its creator starts it. Left out: a new one, started with the peer. */
  control?: ControlClient;
  /** Left out: receipts are kept as long as the peer is open, as for a visitor. */
  receipts?: MeshOptions['receipts'];
  /** Kinds of tasks that it does beside our own, see `tasks/task-kind.ts`. Left out: none. */
  kinds?: MeshOptions['kinds'];
  /** See `MeshOptions.models`; the index of holders is at the control plane. Left out: no models. */
  models?: (control: ControlClient) => NonNullable<MeshOptions['models']>;
}

export interface OpenPeer {
  readonly mesh: Mesh;
  readonly control: ControlClient;
  /** See `Host.why`. */
  why: () => Promise<string>;
  /** Hides our address from others. Existing direct links end at once. */
  setHidden: (hidden: boolean) => void;
  /** Leaves the mesh. Resolves when its receipts are kept. Idempotent. */
  close(): Promise<void>;
}

/** A peer of the mesh at `address`, or of the network that it names there (`networkIn`). It connects on its own, now and whenever the connection breaks. */
export async function openPeer(host: Host, address: URL, options: PeerOptions = {}): Promise<OpenPeer> {
  const { identity = host.newIdentity() } = options;
  const { transport, relay, introductions, control, setHidden } = await openPeerPaths(host, address, {
    ...options,
    identity,
  });
  let { hidden = false } = options;
  const mesh = new Mesh({
    control,
    transport,
    discreet: new DiscreetTransport(relay, transport),
    introductions,
    identity: identityIn(control, identity),
    receipts: options.receipts ?? { keeper: new MemoryReceiptKeeper(), failed: () => {} },
    neighbours: () => (hidden ? 0 : NEIGHBOURS),
    clock: host.clock,
    now: host.now,
    random: host.random,
    ...(options.kinds && { kinds: options.kinds }),
    ...(options.models && { models: options.models(control) }),
    verify: verifyIn(control, host.verify ?? verify),
  });
  if (options.control === undefined) control.start();
  return {
    mesh,
    control,
    why: host.why,
    setHidden: (now) => {
      hidden = now;
      setHidden(now);
    },
    close: () => mesh.close(),
  };
}

/** Without the mesh on top: the paths come up as soon as the control plane has let us in. */
export async function openPeerPaths(
  host: Host,
  address: URL,
  {
    identity = host.newIdentity(),
    anonymous = false,
    hidden = false,
    control = openControl(host, address, identity),
  }: Omit<PeerOptions, 'receipts' | 'kinds' | 'models'> = {},
): Promise<Paths & { control: ControlClient }> {
  const paths = openPaths({
    host,
    address,
    control,
    self: identity.peerId,
    credentials: anonymous ? null : await makeCredentials(identity),
  });
  paths.setHidden(hidden);
  return { ...paths, control };
}
