/** For tests: peers over memory links with the real requester, worker, channels and frames; scripted engine and server. */
import { ControlClient } from '../control/control.ts';
import type { MeshError } from '../base/errors.ts';
import { SECRET_KEY_BYTES, softwareIdentity, type Identity } from '../identity/identity.ts';
import type { PeerId } from '../base/ids.ts';
import { proveKey } from '../identity/key-proof.ts';
import { IntroducedTransport } from '../peers/introduced-transport.ts';
import { Introductions } from '../peers/introductions.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryReceiptKeeper } from '../receipts/memory-receipt-keeper.ts';
import { MemoryNetwork, type MemoryLink } from './memory-transport.ts';
import { Mesh, type ModelSharing, type Providing } from '../mesh.ts';
import { scriptHasher } from '../models/hasher.ts';
import type { PieceStore } from '../models/piece-store.ts';
import type { ServedModel } from '../provide/task.ts';
import { RacedTransport } from '../transport/raced-transport.ts';
import { randomBytes } from '../base/random-bytes.ts';
import type { Kept, ReceiptKeeper } from '../receipts/receipt-keeper.ts';
import type { TaskKind } from '../tasks/task-kind.ts';
import type { Transport } from '../transport/transport.ts';
import type { AnswerGiven, WorkerStatus } from '../provide/worker-status.ts';
import { MemoryRtc } from './memory-peer-connection.ts';
import { MODEL, NOW_MS, advert, ScriptedServer } from './scripted-server.ts';
import type { Verifier } from '../policy/attestation.ts';
import type { AdapterCapacity } from '../engine/engine.ts';
import type { AnswerEvent } from '../ask/answer.ts';

export class World {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork();
  readonly rtc = new MemoryRtc();
  readonly server = new ScriptedServer();
  readonly meshes: Mesh[] = [];
  readonly failed: MeshError[] = [];
  /** The neighbours of each providing peer, see `MeshOptions`. */
  neighbours = 0;
  /** Of attestations, that every peer has. */
  verifiers: readonly Verifier[] = [];
  /** Where files lie that peers which join from now on give and take. Null: nowhere. */
  store: PieceStore | null = null;
  readonly keepers = new Map<PeerId, ReceiptKeeper>();
  /** The far ends of accepted links, to cut them. */
  readonly links: MemoryLink[] = [];
  readonly #accepted: { by: PeerId; link: MemoryLink }[] = [];

  constructor() {
    this.server.now = () => this.now();
  }

  /** Milliseconds since 1970, whole ones like those of `Date.now`. */
  now(): number {
    return Math.floor(NOW_MS + this.clock.now());
  }

  /** `kinds`: of tasks that it does, beside ours. */
  async join(
    identity = newIdentity(),
    keeper: ReceiptKeeper = new MemoryReceiptKeeper(),
    kinds: readonly TaskKind[] = [],
  ): Promise<Mesh> {
    this.keepers.set(identity.peerId, keeper);
    const memory = this.network.join(identity.peerId);
    const control = new ControlClient({
      url: 'ws://mesh',
      identity,
      prove: proveKey,
      agent: 'native',
      openSocket: () => this.server.socket(identity.peerId),
      clock: this.clock,
      random: () => 0.5,
    });
    const receipts = { keeper, failed: (error: MeshError) => this.failed.push(error) };
    const now = () => this.now();
    const { clock, rtc } = this;
    const introductions = new Introductions(clock);
    const connect = () => rtc.connect();
    const introduced = new IntroducedTransport({ self: identity.peerId, introductions, connect, clock });
    const usable = (way: Transport) => way !== introduced || control.state !== 'open';
    const transport = new RacedTransport([introduced, memory], clock, usable);
    const mesh = new Mesh({
      control,
      transport,
      introductions,
      identity,
      receipts,
      clock,
      now,
      neighbours: () => this.neighbours,
      kinds,
      verifiers: this.verifiers,
      ...(this.store !== null && { models: sharingOf(this.store) }),
      random: () => 0.5,
    });
    const accept = memory.accept;
    memory.accept = (link) => {
      this.links.push(link as MemoryLink);
      this.#accepted.push({ by: identity.peerId, link: link as MemoryLink });
      accept?.(link);
    };
    control.start();
    this.meshes.push(mesh);
    await this.clock.advance(0);
    return mesh;
  }

  async provide(
    engine: object,
    slots = 1,
    maxTokensPerSecond: number | null = null,
    offered = advert,
    adapterCapacity?: AdapterCapacity,
    kinds: readonly TaskKind[] = [],
    identity = newIdentity(),
    takeAdapter?: ServedModel['takeAdapter'],
  ) {
    const mesh = await this.join(identity, new MemoryReceiptKeeper(), kinds);
    const statuses: WorkerStatus[] = [];
    const failures: MeshError[] = [];
    const hangs: MeshError[] = [];
    const answers: AnswerGiven[] = [];
    const providing: Providing = mesh.provide({
      models: [
        {
          ...{ advert: offered, engine, slots },
          ...(adapterCapacity !== undefined && { adapterCapacity }),
          ...(takeAdapter !== undefined && { takeAdapter }),
        },
      ],
      maxTokensPerSecond,
      onStatus: (status) => statuses.push(status),
      onAnswer: (given) => answers.push(given),
      onFailure: (error) => failures.push(error),
      onHang: (error) => hangs.push(error),
    });
    await this.clock.advance(0);
    return { mesh, providing, statuses, answers, failures, hangs };
  }

  /** Fails the power of this peer: nobody hears from it any more, and nobody is told. */
  powerFails(peer: PeerId): void {
    for (const { by, link } of this.#accepted) if (by === peer) link.silenced = true;
    this.network.peers.delete(peer);
  }

  /** The receipts that this peer keeps. */
  async kept(peer: PeerId): Promise<Kept[]> {
    return (await this.keepers.get(peer)?.list()) ?? [];
  }
}

/** Nothing is lent, and nobody is found by what they have. */
function sharingOf(store: PieceStore): ModelSharing {
  const limits = () => ({ seeding: false, bytesPerSecond: null, bytesPerDay: null });
  return { store, holders: { hold: () => {}, holders: async () => [] }, hasher: scriptHasher, limits };
}

export const newIdentity = (): Identity => softwareIdentity(randomBytes(SECRET_KEY_BYTES));

export const never = new AbortController().signal;
export const question = (content = 'why?') => ({
  model: MODEL,
  turns: [{ role: 'user' as const, content }],
  sampling: { temperature: 0 },
  only: null,
  maxTokens: 100,
});

export interface Outcome {
  events: AnswerEvent[];
  text: string;
  error: MeshError | null;
}

/** Starts consuming an answer; the outcome fills while the clock turns. */
export function consume(answer: AsyncGenerator<AnswerEvent, void, undefined>): Outcome & { ended: boolean } {
  const outcome = { events: [] as AnswerEvent[], text: '', error: null as MeshError | null, ended: false };
  const run = async () => {
    try {
      for await (const event of answer) {
        outcome.events.push(event);
        if (event.type === 'piece') outcome.text += event.text;
      }
    } catch (thrown) {
      outcome.error = thrown as MeshError;
    }
    outcome.ended = true;
  };
  void run();
  return outcome;
}
