/** The page's way into the mesh. WebRTC and PeerJS are fetched when they are first needed, not with the page. */
import type { Clock } from '@llmesh/core/base/clock';
import type { ControlClient } from '@llmesh/core/control/control';
import { MeshError } from '@llmesh/core/base/errors';
import type { Identity } from '@llmesh/core/identity/identity';
import type { Mesh } from '@llmesh/core/mesh';
import type { PeerJsTransportOptions } from '@llmesh/core/transport/peerjs-transport';
import type { Paths } from '@llmesh/core/open-paths';
import type { RtcPeerConnection } from '@llmesh/core/transport/rtc-connection';
import type { Store } from '../state/store.ts';
import { warn } from './log.ts';

export interface MeshDoorOptions {
  control: ControlClient;
  identity: Identity;
  /** Where receipts are kept; null: they are forgotten with the page, like our identity. */
  store: Store | null;
  clock: Clock;
  random: () => number;
  location: { protocol: string; hostname: string; port: string };
}

/** How many links to other providers a provider keeps. */
const NEIGHBOURS = 2;

export class MeshDoor {
  readonly #options: MeshDoorOptions;
  #paths: Paths | null = null;
  #hidden = false;
  #mesh: Promise<Mesh> | null = null;
  #closed = false;

  constructor(options: MeshDoorOptions) {
    this.#options = options;
  }

  /** Whether to hide our address from other peers: then only relays are used. Direct links end at once. */
  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    this.#paths?.setHidden(hidden);
  }

  /** The one mesh of this page. Rejects with `offline` when its code cannot be fetched; the next call tries again. */
  open(): Promise<Mesh> {
    this.#mesh ??= this.#make().catch((cause: unknown) => {
      this.#mesh = null;
      throw new MeshError('offline', 'This page could not load what it needs. Check your connection.', { cause });
    });
    return this.#mesh;
  }

  /** Leaves the mesh, if it ever joined. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.control.close();
    void this.#mesh?.then(
      (mesh) => mesh.close(),
      () => {},
    );
  }

  async #make(): Promise<Mesh> {
    const { control, identity, store, clock, random, location } = this.#options;
    const [{ Peer }, { openPaths }, { makeCredentials }, { Mesh }, { openReceipts }] = await Promise.all([
      import('peerjs'),
      import('@llmesh/core/open-paths'),
      import('@llmesh/core/transport/seal/credentials'),
      import('@llmesh/core/mesh'),
      import('./receipt-store.ts'),
    ]);
    const secure = location.protocol === 'https:';
    const port = location.port === '' ? (secure ? 443 : 80) : Number(location.port);
    // PeerJS keeps `_handleMessage` out of its types; the transport needs it to refuse what would break PeerJS.
    const peerClass = Peer as unknown as PeerJsTransportOptions['Peer'];
    const paths = openPaths({
      Peer: peerClass,
      self: identity.peerId,
      credentials: await makeCredentials(identity),
      control,
      openSocket: (url) => new WebSocket(url),
      connect: (config) => new RTCPeerConnection(config as RTCConfiguration) as RtcPeerConnection,
      host: location.hostname,
      port,
      secure,
      clock,
      random,
      hidesBehindTurn: true,
    });
    this.#paths = paths;
    paths.setHidden(this.#hidden);
    const { transport, introductions } = paths;
    const keeper = await openReceipts(store);
    const receipts = { keeper, failed: (error: MeshError) => warn('a receipt', error) };
    const neighbours = () => (this.#hidden ? 0 : NEIGHBOURS);
    const own = { control, transport, introductions, identity, receipts, neighbours };
    return new Mesh({ ...own, clock, now: Date.now, random });
  }
}
