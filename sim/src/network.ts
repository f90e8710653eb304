/** Links with distance between them: what is sent arrives later, in order, unless somebody is gone or cut off. */
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Link, Path, Transport } from '@llmesh/core/transport/transport';
import type { VirtualClock } from './virtual-clock.ts';

/** How many crossings setting up a link takes: signalling, ICE, DTLS, the seal. */
const DIAL_CROSSINGS = 8;
/** After a longer cut ICE gives the link up, at both ends; after a shorter one SCTP sends again what was lost. */
const BREAKS_AFTER_MS = 15_000;

export interface World {
  clock: VirtualClock;
  /** The delay one way between two, in ms; the same for both. */
  delayMs: (a: PeerId, b: PeerId) => number;
  /** When a message that is sent now sets out: now, unless they are cut off from each other. */
  opensAtMs: (a: PeerId, b: PeerId) => number;
}

export class SimNetwork {
  readonly world: World;
  readonly #transports = new Map<PeerId, SimTransport>();

  constructor(world: World) {
    this.world = world;
  }

  join(self: PeerId): SimTransport {
    const transport = new SimTransport(self, this);
    this.#transports.set(self, transport);
    return transport;
  }

  transport(peer: PeerId): SimTransport | undefined {
    return this.#transports.get(peer);
  }

  /** The power fails: no goodbye, nothing comes or goes any more. */
  kill(peer: PeerId): void {
    this.#transports.get(peer)?.die();
    this.#transports.delete(peer);
  }

  leave(peer: PeerId): void {
    this.#transports.delete(peer);
  }
}

export class SimTransport implements Transport {
  readonly self: PeerId;
  accept: ((link: Link) => void) | null = null;
  readonly #network: SimNetwork;
  readonly #links = new Set<SimLink>();
  #open = true;

  constructor(self: PeerId, network: SimNetwork) {
    this.self = self;
    this.#network = network;
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    const { clock, delayMs, opensAtMs } = this.#network.world;
    const setUpMs = opensAtMs(this.self, peer) - clock.now() + delayMs(this.self, peer) * DIAL_CROSSINGS;
    await new Promise<void>((resolve) => {
      const stopTimer = clock.after(setUpMs, () => {
        stopAbort();
        resolve();
      });
      const stopAbort = onAbort(signal, () => {
        stopTimer();
        resolve();
      });
    });
    if (signal.aborted || !this.#open) throw cancelled();
    const other = this.#network.transport(peer);
    if (other === undefined || other.accept === null) {
      throw new MeshError('connect_failed', 'Could not connect to that volunteer.');
    }
    const near = this.#link(peer);
    const far = other.#link(this.self);
    near.join(far);
    far.join(near);
    other.accept(far);
    return near;
  }

  async reachable(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancelled();
  }

  close(): void {
    this.#open = false;
    this.#network.leave(this.self);
    for (const link of this.#links) link.close();
  }

  die(): void {
    this.#open = false;
    for (const link of this.#links) link.die();
    this.#links.clear();
  }

  #link(peer: PeerId): SimLink {
    const link = new SimLink(this.self, peer, this.#network.world, () => this.#links.delete(link));
    this.#links.add(link);
    return link;
  }
}

class SimLink implements Link {
  readonly peer: PeerId;
  readonly bufferedBytes = 0;
  drained: (() => void) | null = null;
  closed: (() => void) | null = null;
  receive: ((fragment: Uint8Array) => void) | null = null;
  readonly #self: PeerId;
  readonly #world: World;
  readonly #forget: () => void;
  #other: SimLink | null = null;
  #open = true;
  #breaking = false;

  constructor(self: PeerId, peer: PeerId, world: World, forget: () => void) {
    this.#self = self;
    this.peer = peer;
    this.#world = world;
    this.#forget = forget;
  }

  join(other: SimLink): void {
    this.#other = other;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    this.#cross((other) => other.receive?.(fragment));
  }

  close(): void {
    if (!this.#open) return;
    this.#cross((other) => other.#end());
    this.#end();
  }

  /** Like `close`, but nobody at either end hears of it, nor of messages on their way. */
  die(): void {
    this.#open = false;
    this.#other = null;
  }

  /** Nothing is sealed here: nobody is in between. */
  prologue(): Uint8Array {
    return new Uint8Array(0);
  }

  async path(): Promise<Path> {
    return 'direct';
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#forget();
    this.closed?.();
  }

  /** The same delay for all keeps the order, and so does setting out together when the cut is over. */
  #cross(arrive: (other: SimLink) => void): void {
    if (!this.#open) return;
    const { clock, delayMs, opensAtMs } = this.#world;
    const heldMs = opensAtMs(this.#self, this.peer) - clock.now();
    if (heldMs > BREAKS_AFTER_MS) this.#break();
    clock.after(heldMs + delayMs(this.#self, this.peer), () => {
      const other = this.#other;
      if (other !== null && other.#open) arrive(other);
    });
  }

  #break(): void {
    if (this.#breaking) return;
    this.#breaking = true;
    this.#world.clock.after(BREAKS_AFTER_MS, () => {
      const other = this.#other;
      if (other !== null) other.#end();
      this.#end();
    });
  }
}
