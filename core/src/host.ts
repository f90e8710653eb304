/** What a peer needs from its environment: browsers have it (`browser-host.ts`), Node gets it from package `llmesh`. */
import type { Clock } from './base/clock.ts';
import type { ControlOptions } from './control/control-connection.ts';
import type { Identity, verify } from './identity/identity.ts';
import type { IntroducedTransportOptions } from './peers/introduced-transport.ts';
import type { PeerJsTransportOptions } from './transport/peerjs-transport.ts';
import type { RelaySocket } from './transport/relay-link.ts';

/** What the connection to `/mesh` needs: a page has this before it has fetched anything for WebRTC. */
export interface ControlHost extends Pick<ControlOptions, 'agent' | 'prove' | 'openSocket'> {
  clock: Clock;
  random: () => number;
}

export interface Host extends ControlHost, Pick<PeerJsTransportOptions, 'Peer' | 'hidesBehindTurn'> {
  /** Opens the socket to `/relay`. */
  openRelaySocket: (url: string) => RelaySocket;
  /** Makes a WebRTC connection without PeerJS. */
  connect: IntroducedTransportOptions['connect'];
  /** Makes a new identity, for a peer that brings none. */
  newIdentity: () => Identity;
  /** Checks signatures as strictly as `verify` but faster, where the host can. */
  verify?: typeof verify;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Tells a person why the mesh is unreachable. Never rejects. */
  why: () => Promise<string>;
}
