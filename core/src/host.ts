/** What a peer needs of the place that it runs in. Browsers give one (`browser-host.ts`), Node another (the `llmesh` package). */
import type { Clock } from './base/clock.ts';
import type { ControlOptions } from './control/control-connection.ts';
import type { Identity, verify } from './identity/identity.ts';
import type { IntroducedTransportOptions } from './peers/introduced-transport.ts';
import type { PeerJsTransportOptions } from './transport/peerjs-transport.ts';
import type { RelaySocket } from './transport/relay-link.ts';

/** What the connection to `/mesh` takes: a page has this before it has fetched anything of WebRTC. */
export interface ControlHost extends Pick<ControlOptions, 'agent' | 'prove' | 'openSocket'> {
  clock: Clock;
  random: () => number;
}

export interface Host extends ControlHost, Pick<PeerJsTransportOptions, 'Peer' | 'hidesBehindTurn'> {
  /** For `/relay`. */
  openRelaySocket: (url: string) => RelaySocket;
  /** Makes a WebRTC connection without PeerJS. */
  connect: IntroducedTransportOptions['connect'];
  /** Somebody new, for who says not who they are. */
  newIdentity: () => Identity;
  /** Checks signatures as strictly as `verify` and faster, where the host can. */
  verify?: typeof verify;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Says to a person why the mesh is not reached. Never rejects. */
  why: () => Promise<string>;
}
