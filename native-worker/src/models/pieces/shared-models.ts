/** The models of this computer as its peer of the mesh has them: fetched from others, and given to others. */
import type { ControlClient } from '@llmesh/core/control/control';
import type { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import type { ModelSharing } from '@llmesh/core/mesh';
import type { KeepConsent } from '@llmesh/core/models/keeping/keeper';
import type { SwarmFigures, Wanted } from '@llmesh/core/models/swarm-port';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { MAX_KEPT } from '@llmesh/core/wire/candidate';
import { modelsFolder, readCatalogue } from '../catalogue-file.ts';
import { storeFolder } from '../models.ts';
import type { ModelPeers } from '../model-peers.ts';
import { adopt } from './adopt.ts';
import { FilePieceStore } from './file-piece-store.ts';
import type { KeptModels } from './kept-models.ts';
import { ModelRoom } from './model-room.ts';
import { nodeHasher } from './node-hasher.ts';
import { PeerModels } from './peer-models.ts';
import { SharedAdapters } from './shared-adapters.ts';
import { Seeding, type SeedableModel, type SeedOptions } from './seeding.ts';

/** How often what was sent today is written down, at most. */
const KEEP_MS = 30_000;
const ASKING_MS = 10_000;
const GIGABYTE = 1_000_000_000;

export interface SharedModelsNeeds {
  dataFolder: string;
  options: SeedOptions;
  /** What the owner keeps for others; left out: nothing. */
  kept?: KeptModels;
  /** Joins the mesh with `sharing`, once: when something is to be fetched, or later. */
  join: () => Promise<OpenPeer>;
  /** The owner needs the computer. */
  isPaused: () => boolean;
  failed: (error: MeshError) => void;
  /** Gigabytes of all downloads; left out: no limit, and none is removed for another. */
  modelsMax?: number | undefined;
  /** The models that are lent, as their owner names them. Null: see `ModelRoomNeeds`. */
  lent: readonly string[] | null;
  note: (text: string) => void;
}

export class SharedModels {
  /** Where downloads get what peers have. */
  readonly peers: ModelPeers;
  /** Where adapters are got that questions name, and given on. */
  readonly adapters: SharedAdapters;

  readonly #needs: SharedModelsNeeds;
  readonly #store: FilePieceStore;
  readonly #seeding: Seeding;
  #node: OpenPeer | null = null;
  #keptBytes: number;
  #stopTimer = () => {};

  private constructor(needs: SharedModelsNeeds, store: FilePieceStore, room: ModelRoom, seeding: Seeding) {
    this.#needs = needs;
    this.#store = store;
    this.#seeding = seeding;
    this.#keptBytes = seeding.sentToday;
    const swarm = async () => (await needs.join()).mesh.swarm;
    const makeRoom = (bytes: number, stem: string) => room.make(bytes, { content: null, stem });
    const { seed: lend } = needs.options;
    this.peers = new PeerModels({ store, swarm, makeRoom, lend });
    const peers = new PeerModels({ store, swarm, makeRoom: async () => {}, lend, format: 'adapter' });
    this.adapters = new SharedAdapters({ store, seeding, swarm, peers });
  }

  static async open(needs: SharedModelsNeeds): Promise<SharedModels> {
    const { dataFolder, modelsMax: maxGb, lent, note } = needs;
    const othersHave = async (wanted: Wanted) => {
      const { mesh, control } = await needs.join();
      const holders = await control.holders(wanted, AbortSignal.timeout(ASKING_MS));
      return holders.some(({ peerId, whole }) => whole && peerId !== mesh.self);
    };
    const maxBytes = maxGb === undefined ? null : maxGb * GIGABYTE;
    const room = new ModelRoom({ dataFolder, maxBytes, lent: await withSources(lent), othersHave, note });
    const makeRoom = (bytes: number, content: ContentId) => room.make(bytes, { content, stem: null });
    const store = new FilePieceStore(storeFolder(dataFolder), { makeRoom });
    return new SharedModels(needs, store, room, await Seeding.open({ ...needs, store }, new Date()));
  }

  /** Finds out what a model that is here consists of, so that others can have it by its content id. */
  adopt(model: SeedableModel, signal: AbortSignal): Promise<ContentId> {
    return adopt(this.#store, { ...model, dataFolder: this.#needs.dataFolder }, { signal });
  }

  /** For the peer that `join` opens. */
  readonly sharing = (control: ControlClient): ModelSharing => ({
    store: this.#store,
    holders: control,
    hasher: nodeHasher,
    limits: () => this.#seeding.limits,
    sentToday: this.#seeding.sentToday,
    failed: this.#needs.failed,
    ...(this.#needs.kept !== undefined && this.#needs.options.seed && { keep: this.#consent(this.#needs.kept) }),
  });

  /** What is kept for others, and in how much room; null: nothing is. */
  get keeping(): { contents: ContentId[]; roomBytes: number } | null {
    const { kept } = this.#needs;
    const keeper = this.#node?.mesh.keeper ?? null;
    if (keeper === null || kept === undefined || kept.roomBytes === 0) return null;
    return { contents: keeper.kept.slice(-MAX_KEPT), roomBytes: kept.roomBytes };
  }

  #consent(kept: KeptModels): KeepConsent {
    const { join, isPaused } = this.#needs;
    return {
      roomBytes: () => kept.roomBytes,
      isPaused,
      load: () => kept.load(),
      save: (contents) => kept.save(contents),
      lend: async (contents) => {
        const { swarm } = (await join()).mesh;
        if (swarm !== null) await this.#seeding.keep(swarm, contents);
      },
    };
  }

  /** Null before it joined, and where models are not shared at all. */
  get figures(): SwarmFigures | null {
    return this.#node?.mesh.swarm?.figures ?? null;
  }

  /** From now on others may have these. What was not hashed yet is hashed in the background. */
  lend(node: OpenPeer, models: readonly SeedableModel[], signal: AbortSignal): void {
    this.#node = node;
    if (node.mesh.swarm !== null) void this.#seeding.lend(node.mesh.swarm, models, signal);
    const timer = setInterval(() => void this.#keep(), KEEP_MS);
    timer.unref();
    this.#stopTimer = () => clearInterval(timer);
  }

  /** Writes down what was sent. Call it before the peer is closed. Idempotent. */
  async close(): Promise<void> {
    this.#stopTimer();
    await this.#keep();
    this.#node = null;
  }

  async #keep(): Promise<void> {
    const sent = this.figures?.sentToday ?? this.#keptBytes;
    if (sent === this.#keptBytes) return;
    this.#keptBytes = sent;
    await this.#seeding.keepSent(sent, new Date());
  }
}

/** With where those of the catalogue come from: downloads are kept by that name. */
async function withSources(lent: readonly string[] | null): Promise<string[] | null> {
  if (lent === null) return null;
  const { models } = await readCatalogue(modelsFolder());
  return lent.flatMap((name) => [name, ...models.filter(({ id }) => id === name).map(({ source }) => source)]);
}
