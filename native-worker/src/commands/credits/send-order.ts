/** Signs an order with the key of this computer, and has the mesh carry it out. */
import { realClock } from '@llmesh/core/base/clock';
import { MeshError } from '@llmesh/core/base/errors';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { identityIn } from '@llmesh/core/identity/network-bound';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { signOrder, type OrderBody } from '@llmesh/core/ledger/order';
import { openControl } from '@llmesh/core/open-control';
import { MeshDial } from '../../node/mesh-dial.ts';
import { ownIdentity, type CreditOptions } from './own-peer.ts';

/** The mesh has answered by then, or nobody knows. */
const PATIENCE_MS = 30_000;

/** It is in the ledger when this resolves. Rejects as `ControlClient.order` does. */
export async function sendOrder(body: OrderBody, options: CreditOptions): Promise<void> {
  const identity = await ownIdentity(options);
  const dial = new MeshDial(options.mesh);
  const host = {
    ...({ agent: 'native', prove: proveKey, openSocket: dial.open, clock: realClock, random: Math.random } as const),
  };
  // Under a key for this moment: a worker with the key of this computer stays in the mesh meanwhile.
  const control = openControl(host, options.mesh, nodeIdentity(randomBytes(SECRET_KEY_BYTES)));
  control.start();
  let wasOpen = false;
  const stopWatching = control.on('welcome', () => (wasOpen = true));
  try {
    const here = identityIn(control, identity);
    const sign = (what: OrderBody, head: Parameters<typeof signOrder>[1]) => signOrder(what, head, here);
    await control.order(body, sign, AbortSignal.timeout(PATIENCE_MS));
  } catch (thrown) {
    if (wasOpen || !(thrown instanceof MeshError) || thrown.code !== 'control_unreachable') throw thrown;
    throw new MeshError(thrown.code, await dial.why(), { cause: thrown });
  } finally {
    stopWatching();
    control.close();
  }
}
