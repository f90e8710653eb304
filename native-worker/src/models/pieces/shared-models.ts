/** The models of this computer as its peer of the mesh has them: fetched from others, and given to others. */
import type { ControlClient } from '@llmesh/core/control/control';
import type { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import type { ModelSharing } from '@llmesh/core/mesh';
import type { KeepConsent } from '@llmesh/core/models/keeping/keeper';
import type { SwarmFigures } from '@llmesh/core/models/swarm-port';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { MAX_KEPT } from '@llmesh/core/wire/candidate';
import { storeFolder } from '../models.ts';
import type { ModelPeers } from '../model-peers.ts';
import { FilePieceStore } from './file-piece-store.ts';
import type { KeptModels } from './kept-models.ts';
import { nodeHasher } from './node-hasher.ts';
import { PeerModels } from './peer-models.ts';
import { Seeding, type SeedableModel, type SeedOptions } from './seeding.ts';

/** How often what was sent today is written down, at most. */
const KEEP_MS = 30_000;

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
}

export class SharedModels {
  /** Where downloads get what peers have. */
  readonly peers: ModelPeers;
  readonly #needs: SharedModelsNeeds;
  readonly #store: FilePieceStore;
  readonly #seeding: Seeding;
  #node: OpenPeer | null = null;
  #keptBytes: number;
  #stopTimer = () => {};

  private constructor(needs: SharedModelsNeeds, store: FilePieceStore, seeding: Seeding) {
    this.#needs = needs;
    this.#store = store;
    this.#seeding = seeding;
    this.#keptBytes = seeding.sentToday;
    const swarm = async () => (await needs.join()).mesh.swarm;
    this.peers = new PeerModels({ store, swarm, lend: needs.options.seed });
  }

  static async open(needs: SharedModelsNeeds): Promise<SharedModels> {
    const store = new FilePieceStore(storeFolder(needs.dataFolder));
    return new SharedModels(needs, store, await Seeding.open({ ...needs, store }, new Date()));
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
