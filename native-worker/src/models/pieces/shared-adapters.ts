/** Adapters that questions name: fetched from peers where these have them, given on as models are, and forgotten with their files. */
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import type { ModelPeers } from '../model-peers.ts';
import type { FilePieceStore } from './file-piece-store.ts';
import type { Seeding } from './seeding.ts';

export interface SharedAdaptersNeeds {
  store: FilePieceStore;
  seeding: Seeding;
  /** Joins the mesh when it is first called. */
  swarm: () => Promise<Swarm | null>;
  peers: ModelPeers;
}

export class SharedAdapters {
  /** Where a download gets what peers have. No model leaves for it. */
  readonly peers: ModelPeers;
  readonly #needs: SharedAdaptersNeeds;

  constructor(needs: SharedAdaptersNeeds) {
    this.#needs = needs;
    this.peers = needs.peers;
  }

  /** From now on others may have this file, as far as the owner allows. Never rejects. */
  async lend(file: string, signal: AbortSignal): Promise<void> {
    const swarm = await this.#needs.swarm();
    if (swarm !== null) await this.#needs.seeding.lend(swarm, [{ format: 'adapter', files: [file] }], signal);
  }

  /** What came of it, and what is known of its pieces, is not needed any more; its file is not ours to remove. */
  async forget(sha256: string, file: string | null): Promise<void> {
    const { store, seeding, swarm: join } = this.#needs;
    const begun = (await store.list()).filter((one) => one.sha256 === sha256 && one.format === 'adapter' && !one.whole);
    const contents = new Set<ContentId>(begun.map(({ content }) => content));
    const placed = file === null ? null : await store.containing(file);
    if (placed !== null) contents.add(placed);
    if (contents.size === 0) return;
    const swarm = await join();
    for (const content of contents) {
      if (swarm !== null) await seeding.drop(swarm, content);
      try {
        await store.remove(content);
      } catch (thrown) {
        // It is being fetched again: it leaves another time.
        if (!(thrown instanceof MeshError)) throw thrown;
      }
    }
  }
}
