/** The paths of every host's mesh: WebRTC, set up by the control plane or a peer, and the relay; sealed and raced. */
import { toBase32 } from './base/base32.ts';
import type { ControlClient } from './control/control.ts';
import type { Credentials } from './transport/seal/credentials.ts';
import type { MeshError } from './base/errors.ts';
import type { PeerId } from './base/ids.ts';
import type { Host } from './host.ts';
import { IntroducedTransport } from './peers/introduced-transport.ts';
import { Introductions } from './peers/introductions.ts';
import { KnownCertificates } from './transport/seal/known-certificates.ts';
import { PeerJsTransport, type PeerJsTransportOptions } from './transport/peerjs-transport.ts';
import { RacedTransport } from './transport/raced-transport.ts';
import { RelayTransport } from './transport/relay-transport.ts';
import { SealedTransport, type SealOptions } from './transport/seal/seal.ts';
import type { Transport } from './transport/transport.ts';

export interface PathsOptions {
  host: Host;
  /** The address of the control plane, whose PeerServer and relay we use. */
  address: URL;
  self: PeerId;
  /** The control plane's client for `self`. Its welcome starts the paths; they use its calls and WebRTC servers. */
  control: ControlClient;
  /** Null: we stay anonymous, and call only providers that have shown a certificate. */
  credentials: Credentials | null;
  /** A stranger's link was refused, and why. */
  refused?: (peer: PeerId, error: MeshError) => void;
}

export interface Paths {
  transport: Transport;
  /** The same paths, one by one. */
  webRtc: Transport;
  relay: Transport;
  /** For the mesh, which has the links that peers are introduced over. */
  introductions: Introductions;
  /** Hides our address from the other ends, see `PeerJsTransport.setHidden`. Only relays are left then. */
  setHidden: (hidden: boolean) => void;
}

export function openPaths(options: PathsOptions): Paths {
  const { host, address, control, self, credentials, refused } = options;
  const { clock, connect } = host;
  const known = new KnownCertificates();
  const seal: SealOptions = {
    credentials,
    staticKeyOf: (peer) => known.staticKeyOf(peer),
    clock,
    binding: control,
    ...(refused && { refused }),
  };
  const peerJs = new PeerJsTransport({ ...peerJsOptions(host, address), self });
  const relayed = new RelayTransport({
    self,
    url: new URL('/relay', address).href.replace(/^http/, 'ws'),
    openSocket: host.openRelaySocket,
    ticketTo: (peer, signal) => control.relay(peer, signal),
    clock,
  });
  const webRtc = new SealedTransport(peerJs, seal);
  const relay = new SealedTransport(relayed, seal);
  const introductions = new Introductions(clock);
  const byPeers = new IntroducedTransport({ self, introductions, connect, clock });
  const introduced = new SealedTransport(byPeers, seal);
  // First when it is usable at all: the other two need the control plane.
  const usable = (way: Transport) => way !== introduced || control.state !== 'open';
  const transport: Transport = new RacedTransport([introduced, webRtc, relay], clock, usable);
  if (credentials === null) transport.learn = (peer, certificate) => known.learn(peer, certificate);
  else transport.certificate = toBase32(credentials.certificate);

  const start = () => {
    const { welcome } = control;
    if (welcome === null) return;
    relayed.start();
    byPeers.setIceServers(welcome.iceServers);
    peerJs.start(welcome.iceServers, welcome.signalToken);
  };
  control.on('welcome', start);
  control.on('iceServers', (iceServers) => {
    peerJs.setIceServers(iceServers);
    byPeers.setIceServers(iceServers);
  });
  control.on('call', (peer, ticket) => relayed.called(peer, ticket));
  start();
  return {
    transport,
    webRtc,
    relay,
    introductions,
    setHidden: (hidden) => {
      peerJs.setHidden(hidden);
      byPeers.setHidden(hidden);
    },
  };
}

/** All options but our identity. */
export function peerJsOptions(host: Host, address: URL): Omit<PeerJsTransportOptions, 'self'> {
  const secure = address.protocol === 'https:';
  return {
    Peer: host.Peer,
    host: address.hostname,
    port: Number(address.port) || (secure ? 443 : 80),
    secure,
    clock: host.clock,
    random: host.random,
    hidesBehindTurn: host.hidesBehindTurn,
  };
}
