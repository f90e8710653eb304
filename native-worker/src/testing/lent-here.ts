/** For tests: a peer of this process that lends a real model, with something of a test around its engine. */
import type { ModelId } from '@llmesh/core/base/ids';
import type { LoadedEngine } from '../lend/on-call-engine.ts';
import type { Identity } from '@llmesh/core/identity/identity';
import type { OpenPeer } from '@llmesh/core/open-peer';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { LlamaEngine } from '../llama/llama-engine.ts';
import { openMeshNode } from '../node/mesh-node.ts';

export interface LentHere {
  readonly node: OpenPeer;
  readonly engine: LlamaEngine;
  readonly advert: ModelAdvert;
  close(): Promise<void>;
}

export interface LentFile {
  readonly mesh: URL;
  readonly path: string;
  readonly sha256: string;
  readonly name: string;
  readonly identity: Identity;
  /** Whether it checks answers of others. */
  readonly audits: boolean;
}

/** Resolves when the mesh has been told. `around`: what is lent in the engine's place. */
export async function lendHere(
  { mesh, path, sha256, name, identity, audits }: LentFile,
  around: (engine: LlamaEngine) => LoadedEngine,
): Promise<LentHere> {
  const engine = new LlamaEngine();
  const signal = new AbortController().signal;
  const { backend, contextTokens, continues, slots, abilities, replayable } = await engine.load(
    { path, threads: 1, gpu: 'off', slots: 1 },
    () => {},
    signal,
  );
  const advert: ModelAdvert = {
    ...{ id: name as ModelId, name, quant: 'Q8_0', format: 'gguf', tokensPerSecond: 10 },
    ...{ backend, contextTokens, continues, sha256 },
    abilities: (abilities ?? []).filter((ability) => audits || ability !== 'audit'),
    ...(replayable !== undefined && replayable !== 'none' && { replayable }),
  };
  const node = await openMeshNode(mesh, { identity });
  const failed = (error: unknown) => process.stderr.write(`${String(error)}\n`);
  const providing = await new Promise<{ stop(): Promise<void> }>((resolve) => {
    const started = node.mesh.provide({
      models: [{ engine: around(engine), advert, slots }],
      onOffered: () => resolve(started),
      onStatus: () => {},
      onFailure: failed,
      onHang: failed,
    });
  });
  return {
    ...{ node, engine, advert },
    async close() {
      await providing.stop();
      await node.close();
      await engine.close();
    },
  };
}
