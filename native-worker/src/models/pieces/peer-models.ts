/** Downloads through the swarm: from peers first, with the origin of the model as one more source. */
import { copyFile, link, rename, rm } from 'node:fs/promises';
import { cancelled, MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { Manifest } from '@llmesh/core/models/manifest';
import type { StoredContent } from '@llmesh/core/models/piece-store';
import type { WebSource } from '@llmesh/core/models/swarm-port';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import { partFile } from '../file-download.ts';
import { errno } from '../../files/whole-file.ts';
import type { ModelPeers, PeerWanted } from '../model-peers.ts';
import type { FilePieceStore } from './file-piece-store.ts';

/** Then the origin is asked in the plain way: nobody here knows the model, or what they have is another. */
const USELESS = new Set<ErrorCode>([
  'model_not_found',
  'model_integrity',
  'control_unreachable',
  'control_refused',
  'version_mismatch',
  'rate_limited',
  'unsupported',
]);

export interface PeerModelsNeeds {
  store: FilePieceStore;
  /** Joins the mesh when it is first called. */
  swarm: () => Promise<Swarm | null>;
  /** See `ModelPeers`. */
  makeRoom: (bytes: number, stem: string) => Promise<void>;
  /** Whether others may have what has come already. */
  lend: boolean;
  /** What it has to be. Left out: any model. */
  format?: Manifest['format'];
}

export class PeerModels implements ModelPeers {
  readonly #needs: PeerModelsNeeds;

  constructor(needs: PeerModelsNeeds) {
    this.#needs = needs;
  }

  makeRoom(bytes: number, stem: string): Promise<void> {
    return this.#needs.makeRoom(bytes, stem);
  }

  async fetch(
    wanted: PeerWanted,
    web: WebSource | null,
    places: Parameters<ModelPeers['fetch']>[2],
    { placing, onProgress, signal }: Parameters<ModelPeers['fetch']>[3],
  ): Promise<boolean> {
    const { store, swarm: join, lend, format } = this.#needs;
    const swarm = await join();
    if (swarm === null) return false;
    let stored: StoredContent;
    try {
      stored = await swarm.fetch(
        { ...wanted, manifest: null, web, lend, ...(format !== undefined && { format }) },
        {
          signal,
          onProgress: ({ loadedBytes, sizeBytes, peers, fromWeb, fromLocal }) =>
            onProgress({ loadedBytes, sizeBytes, peers, web: fromWeb > 0, fromLocal }),
        },
      );
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      if (thrown instanceof MeshError && USELESS.has(thrown.code)) return false;
      throw thrown;
    }
    try {
      const { content, manifest } = stored;
      // Such a folder is nothing that llama.cpp reads.
      const files = manifest.format === 'mlc' ? null : places(manifest.files.length);
      if (files === null) return false;
      await placing(
        manifest.files.map(({ sizeBytes, sha256 }) => ({ sizeBytes, sha256: Buffer.from(sha256).toString('hex') })),
      );
      if (!(await store.moveTo(content, files))) await putBeside((await store.paths(content)) ?? [], files);
      return true;
    } finally {
      await stored.close();
    }
  }
}

/** They lie elsewhere already, and stay there: one more name for each, which takes no room where the disk knows how. */
async function putBeside(from: readonly string[], to: readonly string[]): Promise<void> {
  if (from.length !== to.length) throw new MeshError('model_not_found', 'The model is gone. Download it again.');
  for (const [i, file] of from.entries()) {
    const name = to[i] ?? '';
    await rm(name, { force: true });
    try {
      await link(file, name);
    } catch (thrown) {
      // Another disk, or one without links.
      if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(errno(thrown) ?? '')) throw thrown;
      await copyFile(file, partFile(name));
      await rename(partFile(name), name);
    }
  }
}
