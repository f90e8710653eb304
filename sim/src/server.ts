/** The real control plane's sessions, registry, matchmaker, leases and receipts, without its HTTP server. */
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import type { PeerId } from '@llmesh/core/base/ids';
import { AuditOffice } from '@llmesh/signaling/audit/audit-office';
import { AuditTable } from '@llmesh/signaling/audit/audit-table';
import { AUDIT_TERMS } from '@llmesh/signaling/audit/share/audit-terms';
import { networksOf } from '@llmesh/signaling/sockets/address';
import { MemoryHub } from '@llmesh/signaling/cluster/memory-hub';
import { DeliveryTable } from '@llmesh/signaling/receipts/delivery-table';
import { IceServers } from '@llmesh/signaling/session/ice-servers';
import { NO_LEDGER } from '@llmesh/signaling/ledger/no-ledger';
import { LeaseOffice } from '@llmesh/signaling/receipts/lease-office';
import { Mesh } from '@llmesh/signaling/session/mesh';
import { countsIn, Metrics } from '@llmesh/signaling/metrics';
import { controlKey, type ControlKey } from '@llmesh/signaling/receipts/control-key';
import { JoinPrice } from '@llmesh/signaling/session/join-price';
import { ReceiptBook } from '@llmesh/signaling/receipts/receipt-book';
import { Registry } from '@llmesh/signaling/registry/registry';
import { DEFAULT_RELAY_LIMITS, Relay } from '@llmesh/signaling/relay/relay';
import { KeptTable } from '@llmesh/signaling/store/kept-table';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';
import { SignalPasses } from '@llmesh/signaling/signal/signal-passes';
import { ClientEnd, type ServerEnd, type Wire } from './control-socket.ts';
import { EPOCH_MS, HOST } from './node.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { RegisteredPeer } from '@llmesh/signaling/registry/registered-peer';

interface Running {
  mesh: Mesh;
  relay: Relay;
  audits: AuditOffice;
  registry: Registry;
  metrics: Metrics;
}

export class SimServer {
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  /** These are on the server's disk. */
  readonly #key: ControlKey;
  readonly #database = new MeshDatabase(null);
  readonly #receipts: ReceiptBook;
  readonly #sockets = new Set<ServerEnd>();
  /** Null while it is down. */
  #running: Running | null;

  constructor(clock: VirtualClock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
    // A thread takes real time, which the virtual clock does not wait for.
    this.#key = controlKey(random.bytes(SECRET_KEY_BYTES), 'here');
    this.#receipts = new ReceiptBook({
      issuer: this.#key.peerId,
      clock,
      now: this.#now,
      store: new DeliveryTable(this.#database),
      failed: (error) => {
        throw error;
      },
    });
    this.#running = this.#start();
  }

  /** `address`: where it comes from. */
  connect(wire: Omit<Wire, 'clock'>, address: string): ClientEnd {
    return new ClientEnd({ clock: this.#clock, ...wire }, (socket) => {
      if (this.#running === null) {
        socket.close();
        return;
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      this.#running.mesh.join(socket, [HOST], networksOf(address));
    });
  }

  /** Dies, and later comes back with what is on its disk. Does nothing while it is down. */
  async restart(downMs: number): Promise<void> {
    if (this.#running === null) return;
    await this.#stop();
    await this.#clock.sleep(downMs);
    this.#running = this.#start();
  }

  /** Closes for good. */
  async close(): Promise<void> {
    await this.#stop();
    await this.#receipts.close();
  }

  /** What it knows about this peer; null: nothing. */
  find(peer: PeerId): Pick<RegisteredPeer, 'slots' | 'busySlots' | 'queued'> | null {
    return this.#running?.registry.find(peer) ?? null;
  }

  /** How much it has promised or put off. */
  get owed(): { promised: number; waiting: number } {
    if (this.#running === null) return { promised: 0, waiting: 0 };
    const { registry, metrics } = this.#running;
    return { promised: registry.totals().promised, waiting: metrics.waiting };
  }

  readonly #now = (): number => Math.floor(EPOCH_MS + this.#clock.now());

  #start(): Running {
    const clock = this.#clock;
    const registry = new Registry(clock);
    const metrics = new Metrics(registry, { mesh: () => 0, signal: () => 0, relay: () => 0 });
    const cluster = new MemoryHub(clock).join();
    const relay = new Relay({ clock, metrics, cluster, limits: { ...DEFAULT_RELAY_LIMITS, maxLinks: 0 } });
    const leases = new LeaseOffice(this.#key, this.#now);
    const audits = new AuditOffice({
      ...{ clock, registry, leases, now: this.#now, random: this.#random.next, ledger: NO_LEDGER },
      key: this.#key,
      // Its answers are made up: there is nothing to check.
      terms: { ...AUDIT_TERMS, share: 0 },
      calibrations: [],
      table: new AuditTable(this.#database),
      counts: countsIn(metrics),
      failed: (error) => {
        throw error;
      },
    });
    const mesh = new Mesh({
      clock,
      metrics,
      registry,
      cluster,
      random: this.#random.next,
      iceServers: new IceServers([], null, this.#now),
      relay,
      passes: new SignalPasses(clock, cluster.passes),
      joins: new JoinPrice(clock, 0, cluster.paid),
      leases,
      ledger: NO_LEDGER,
      audits,
      receipts: this.#receipts,
      keeping: {
        ...{ now: this.#now, key: this.#key, catalogue: { models: [] }, platform: new Set() },
        copies: new KeptTable(this.#database),
        failed: (error) => {
          throw error;
        },
      },
    });
    return { mesh, relay, audits, registry, metrics };
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    this.#running = null;
    for (const socket of [...this.#sockets]) socket.close();
    await Promise.all([running?.mesh.close(), running?.relay.close(), running?.audits.close()]);
  }
}
