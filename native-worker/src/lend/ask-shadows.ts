/** Test questions of a worker, one asker for each model that it can check. */
import { untilAborted } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import { asMeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { peerName } from '@llmesh/core/identity/names';
import { ShadowAsker, type ShadowFinding } from '../audit/shadow-asker.ts';
import type { Output } from '../cli/output.ts';
import { readyOnMesh } from '../node/mesh-connection.ts';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import type { LentModel } from './lent-model.ts';

interface ShadowOptions {
  mesh: URL;
  /** This worker. */
  self: PeerId;
  /** Whether it lends, and nobody asks it. */
  isIdle: () => boolean;
}

/** Resolves when `signal` has aborted and every asker has left the mesh. */
export async function askShadows(
  models: readonly LentModel[],
  { mesh, self, isIdle }: ShadowOptions,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const askers = models.map(async (model) => {
    if (model.shadows === undefined) return;
    const asker = new ShadowAsker({
      ...model.shadows,
      advert: () => model.advert,
      open: (aborted) => openStranger(mesh, aborted),
      self,
      verify: nodeVerify,
      // It does not come back into the memory for this.
      isIdle: () => isIdle() && model.advert.wakesInMs === undefined,
      found: (finding) => sayFound(finding, output),
      failed: (error) => output.detail('shadow', asMeshError(error, 'engine_failed', 'A test question was not asked.')),
      clock: realClock,
      random: Math.random,
    });
    await asker.run(signal);
  });
  await Promise.all(askers);
}

/** Nobody may know it by its address either. */
async function openStranger(address: URL, signal: AbortSignal) {
  const node = await openMeshNode(address, { anonymous: true, hidden: true });
  const close = () => leaveMesh(node);
  try {
    await untilAborted(readyOnMesh({ node, listed: () => true, waits: () => {} }, signal), signal);
    return { mesh: node.mesh, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function sayFound({ provider, verdict, log10E, why, tokens }: ShadowFinding, output: Output): void {
  output.detail('shadow', { provider, verdict, log10E, tokens });
  if (verdict !== 'deviates') return;
  if (output.json) output.print('', { shadow: { provider, verdict, log10E, tokens, why } });
  else output.note(`${peerName(provider)} does not seem to compute its answers with the model that it offers. ${why}`);
}
