/** The real control plane's sessions, registry, matchmaker, leases and receipts, without its HTTP server. */
import { SECRET_KEY_BYTES } from '@llmesh/core/identity';
import type { SocketLike } from '@llmesh/core/control';
import type { BoundedSocket } from '@llmesh/signaling/bounded-socket';
import { DeliveryTable } from '@llmesh/signaling/delivery-table';
import { IceServers } from '@llmesh/signaling/ice-servers';
import { LeaseOffice } from '@llmesh/signaling/lease-office';
import { Mesh } from '@llmesh/signaling/mesh';
import { Metrics } from '@llmesh/signaling/metrics';
import { nodeIdentity } from '@llmesh/signaling/node-signatures';
import { PaidWork } from '@llmesh/signaling/paid-work';
import { ReceiptBook } from '@llmesh/signaling/receipt-book';
import { Registry } from '@llmesh/signaling/registry';
import { DEFAULT_RELAY_LIMITS, Relay } from '@llmesh/signaling/relay';
import { SignalPasses } from '@llmesh/signaling/signal-passes';
import { ClientEnd } from './control-socket.ts';
import { EPOCH_MS, HOST } from './node.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

export class SimServer {
  readonly #clock: VirtualClock;
  readonly #registry: Registry;
  readonly #mesh: Mesh;

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.#clock = clock;
    this.#registry = new Registry(clock);
    const now = () => Math.floor(EPOCH_MS + clock.now());
    const identity = nodeIdentity(random.bytes(SECRET_KEY_BYTES));
    const metrics = new Metrics(this.#registry, { mesh: () => 0, signal: () => 0, relay: () => 0 });
    this.#mesh = new Mesh({
      ...{ clock, metrics, registry: this.#registry, random: random.next, joinWorkBits: 0 },
      iceServers: new IceServers([], null, now),
      relay: new Relay({ clock, metrics, limits: { ...DEFAULT_RELAY_LIMITS, maxLinks: 0 } }),
      passes: new SignalPasses(clock),
      paid: new PaidWork(clock),
      leases: new LeaseOffice(identity, now),
      receipts: new ReceiptBook({
        ...{ issuer: identity.peerId, clock, now, table: new DeliveryTable(null) },
        failed: (error) => {
          throw error;
        },
      }),
    });
  }

  /** `delayMs`: one way. */
  connect(delayMs: number, alive: () => boolean): SocketLike {
    return new ClientEnd({ clock: this.#clock, delayMs, up: alive }, (socket) =>
      // What a session uses of a socket, `ServerEnd` has.
      this.#mesh.join(socket as unknown as BoundedSocket, [HOST]),
    );
  }

  totals() {
    return this.#registry.totals();
  }
}
