/** The way into the mesh. WebRTC and PeerJS are fetched when they are first needed, not with the page. */
import type { Clock } from '@llmesh/core/clock';
import type { ControlClient } from '@llmesh/core/control';
import { MeshError } from '@llmesh/core/errors';
import type { Identity } from '@llmesh/core/identity';
import type { Mesh } from '@llmesh/core/mesh';
import type { PeerJsTransportOptions } from '@llmesh/core/peerjs-transport';
import type { Welcome } from '@llmesh/core/protocol';
import type { SealedWebRtc } from '@llmesh/core/sealed-webrtc';

export interface MeshDoorOptions {
  control: ControlClient;
  identity: Identity;
  clock: Clock;
  random: () => number;
  location: { protocol: string; hostname: string; port: string };
}

export class MeshDoor {
  readonly #options: MeshDoorOptions;
  #welcome: Welcome | null = null;
  #start: SealedWebRtc['start'] | null = null;
  #mesh: Promise<Mesh> | null = null;
  #closed = false;

  constructor(options: MeshDoorOptions) {
    this.#options = options;
    options.control.onWelcome = (welcome) => {
      this.#welcome = welcome;
      this.#start?.(welcome.iceServers, welcome.signalToken);
    };
  }

  /** The one mesh of this page. Rejects with `offline` when its code cannot be fetched; the next call tries again. */
  open(): Promise<Mesh> {
    this.#mesh ??= this.#make().catch((cause: unknown) => {
      this.#mesh = null;
      throw new MeshError('offline', 'This page could not load what it needs. Check your connection.', { cause });
    });
    return this.#mesh;
  }

  /** Leaves, if it ever entered. Idempotent. */
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
    const { control, identity, clock, random, location } = this.#options;
    const [{ Peer }, { openSealedWebRtc }, { makeCredentials }, { Mesh }] = await Promise.all([
      import('peerjs'),
      import('@llmesh/core/sealed-webrtc'),
      import('@llmesh/core/credentials'),
      import('@llmesh/core/mesh'),
    ]);
    const secure = location.protocol === 'https:';
    const port = location.port === '' ? (secure ? 443 : 80) : Number(location.port);
    // PeerJS keeps `_handleMessage` out of its types; the transport needs it to turn away what would break PeerJS.
    const peerClass = Peer as unknown as PeerJsTransportOptions['Peer'];
    const { transport, start } = openSealedWebRtc({
      Peer: peerClass,
      credentials: await makeCredentials(identity),
      host: location.hostname,
      port,
      secure,
      clock,
      random,
    });
    this.#start = start;
    if (this.#welcome !== null) start(this.#welcome.iceServers, this.#welcome.signalToken);
    return new Mesh({ control, transport, clock, random });
  }
}
