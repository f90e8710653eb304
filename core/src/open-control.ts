/** The connection to the control plane at an address; the whole peer is `open-peer.ts`. */
import { ControlClient } from './control/control.ts';
import type { ControlHost } from './host.ts';
import type { NetworkId } from './base/ids.ts';
import type { Identity } from './identity/identity.ts';

/** The caller has to start it. `network`: see `ControlOptions`. */
export function openControl(
  host: ControlHost,
  address: URL,
  identity: Identity,
  network: NetworkId | null = null,
): ControlClient {
  return new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    identity,
    network,
    prove: host.prove,
    agent: host.agent,
    openSocket: host.openSocket,
    clock: host.clock,
    random: host.random,
  });
}
