/** Test questions of a worker, one asker for each model that it can check. */
import { untilAborted } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import { asMeshError } from '@llmesh/core/base/errors';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { ControlClient } from '@llmesh/core/control/control';
import { SECRET_KEY_BYTES, type Identity } from '@llmesh/core/identity/identity';
import { identityIn, verifyIn } from '@llmesh/core/identity/network-bound';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { signOrder } from '@llmesh/core/ledger/order';
import { peerName } from '@llmesh/core/identity/names';
import { ShadowAsker } from '../audit/shadow-asker.ts';
import type { ShadowFinding, Stranger } from '../audit/shadow-conversation.ts';
import type { Output } from '../cli/output.ts';
import { readyOnMesh } from '../node/mesh-connection.ts';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import type { LentModel } from './lent-model.ts';

interface ShadowOptions {
  mesh: URL;
  /** This worker. */
  identity: Identity;
  /** Its control plane, which says who wants to be tested again. */
  control: Pick<ControlClient, 'on' | 'network'>;
  /** Whether it lends, and nobody asks it. */
  isIdle: () => boolean;
}

/** Resolves when `signal` has aborted and every asker has left the mesh. */
export async function askShadows(
  models: readonly LentModel[],
  { mesh, identity, control, isIdle }: ShadowOptions,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const askers = models.map(async (model) => {
    if (model.shadows === undefined) return;
    const asker = new ShadowAsker({
      ...model.shadows,
      advert: () => model.advert,
      open: (aborted) => openStranger(mesh, aborted),
      self: identity.peerId,
      sign: (body, head) => signOrder(body, head, identityIn(control, identity)),
      verify: verifyIn(control, nodeVerify),
      // It does not come back into the memory for this.
      isIdle: () => isIdle() && model.advert.wakesInMs === undefined,
      found: (finding) => sayFound(finding, output),
      failed: (error) => output.detail('shadow', asMeshError(error, 'engine_failed', 'A test question was not asked.')),
      clock: realClock,
      random: Math.random,
    });
    const stop = control.on('question', (question) => {
      if (question.model === model.advert.id) asker.question(question.provider);
    });
    await asker.run(signal).finally(stop);
  });
  await Promise.all(askers);
}

/** Joins as somebody whom nobody knows, by its address either. Rejects with cancelled, and as the mesh does. */
export async function openStranger(address: URL, signal: AbortSignal): Promise<Stranger> {
  const identity = nodeIdentity(randomBytes(SECRET_KEY_BYTES));
  const node = await openMeshNode(address, { identity, anonymous: true, hidden: true });
  const close = () => leaveMesh(node);
  try {
    await untilAborted(readyOnMesh({ node, listed: () => true, waits: () => {} }, signal), signal);
    return { mesh: node.mesh, identity: identityIn(node.control, identity), close };
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
