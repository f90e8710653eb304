/** The connection to the control plane at an address; the whole peer is `open-peer.ts`. */
import { networkIn } from './base/ids.ts';
import { ControlClient } from './control/control.ts';
import type { ControlHost } from './host.ts';
import type { Identity } from './identity/identity.ts';

/** The caller has to start it. It enters no network but the one that the address names, if it does. */
export function openControl(host: ControlHost, address: URL, identity: Identity): ControlClient {
  return new ControlClient({
    url: new URL('/mesh', address).href.replace(/^http/, 'ws'),
    identity,
    network: networkIn(address),
    prove: host.prove,
    agent: host.agent,
    openSocket: host.openSocket,
    clock: host.clock,
    random: host.random,
  });
}
