/** WebRTC in Node for PeerJS, which was written for browsers. */
import { createRequire } from 'node:module';
import nodeDataChannel from 'node-datachannel';
import { RTCIceCandidate, RTCPeerConnection, RTCSessionDescription } from 'node-datachannel/polyfill';
import { WebSocket } from 'ws';
import type { PeerJsTransportOptions } from '@llmesh/core/transport/peerjs-transport';
import type { IceServer } from '@llmesh/core/wire/control-protocol';
import type { RtcPeerConnection } from '@llmesh/core/transport/rtc-connection';
import { socketAgent } from '../web/outgoing.ts';

/** An answer is most likely with the other end by then, and kept. */
const ANSWERED_MS = 200;
const CANDIDATE = /^a=(candidate:.*?)\r?\n/gm;

export type PeerClass = PeerJsTransportOptions['Peer'];

let loaded: PeerClass | null = null;

/** PeerJS's `Peer` on libdatachannel. */
export function loadPeerJs(): PeerClass {
  loaded ??= load();
  return loaded;
}

/** A connection on libdatachannel without PeerJS. */
export function connectWebRtc(config: { iceServers: IceServer[] }): RtcPeerConnection {
  return new NodePeerConnection(config) as unknown as RtcPeerConnection;
}

/** Ends libdatachannel's threads; without it the process does not end. It closes what is still open, and waits for all to be gone. */
export function releaseWebRtc(): void {
  nodeDataChannel.cleanup();
}

function load(): PeerClass {
  // PeerJS looks for browser globals, and nowhere else.
  const host: Record<string, unknown> = globalThis;
  host['WebSocket'] ??= SignalSocket;
  host['RTCSessionDescription'] ??= RTCSessionDescription;
  host['RTCIceCandidate'] ??= RTCIceCandidate;
  // While it is loaded it tries a connection out, with a public STUN server: let it try this one.
  host['RTCPeerConnection'] = Trial;
  // It uses `require`, as loaders disagree on what an `import` of this CommonJS module gives.
  const { Peer } = createRequire(import.meta.url)('peerjs') as { Peer: PeerClass };
  host['RTCPeerConnection'] = NodePeerConnection;
  return Peer;
}

/** PeerJS listens for no `error`, which in browsers is harmless and with `ws` ends the process. A `close` always follows. */
class SignalSocket extends WebSocket {
  constructor(url: string) {
    super(url, [], socketAgent(url));
    this.on('error', () => {});
  }
}

/** A connection that has just what PeerJS's feature test touches. */
class Trial {
  createDataChannel(): object {
    return { ordered: true, binaryType: 'arraybuffer' };
  }
  close(): void {}
}

class NodePeerConnection extends RTCPeerConnection {
  /** Our addresses, as long as our offer is not answered. */
  readonly #unsaid: Event[] = [];

  /** The polyfill writes user and password into a URL, and its own changes into the list that it is given. */
  constructor(config: { iceServers?: IceServer[] } = {}) {
    const iceServers = (config.iceServers ?? []).map(({ urls, username, credential }) => ({
      urls,
      ...(username !== undefined && { username: encodeURIComponent(username) }),
      ...(credential !== undefined && { credential: encodeURIComponent(credential) }),
    }));
    const own = { ...config, iceServers };
    super(own as ConstructorParameters<typeof RTCPeerConnection>[0]);
    this.addEventListener('connectionstatechange', () => {
      if (this.connectionState === 'closed') this.#letGo();
    });
  }

  /**
   * When the other end has closed it, node-datachannel strikes it off the list of those that `cleanup` closes, yet keeps what
   * it is made of until somebody closes it here, too: `cleanup` would wait for that in vain. Closing drops the events that
   * are under way, so those who listen hear once more how it stands.
   */
  #letGo(): void {
    this.close();
    this.dispatchEvent(new Event('iceconnectionstatechange'));
  }

  /**
   * libdatachannel lets ICE begin a moment before it keeps the fingerprint that an answer brings. If the other end calls at
   * our addresses already, DTLS may find none, and fails with "unknown CA" (paullouisageneau/libdatachannel#1612); a busy
   * computer makes that likely. So the other end learns them when its answer is kept.
   */
  override dispatchEvent(event: Event): boolean {
    if (event.type !== 'icecandidate' || this.signalingState !== 'have-local-offer') return super.dispatchEvent(event);
    this.#unsaid.push(event);
    return true;
  }

  /**
   * When we answer, the other end must open DTLS. By default (RFC 5763 §5) we would, at once, while the other
   * is still reading our answer and drops what it gets; libdatachannel tries again only after a second.
   */
  override async setRemoteDescription({ type, sdp }: { type: 'offer' | 'answer'; sdp: string }): Promise<void> {
    if (type === 'offer') {
      const offer = sdp.replaceAll('a=setup:actpass', 'a=setup:active');
      await super.setRemoteDescription({ type, sdp: offer.replace(CANDIDATE, '') });
      this.#callLater(Array.from(offer.matchAll(CANDIDATE), ([, candidate = '']) => candidate));
    } else {
      await super.setRemoteDescription({ type, sdp });
      for (const event of this.#unsaid.splice(0)) super.dispatchEvent(event);
    }
  }

  /** An offer that has its sender's addresses in it cannot hold them back: we do, for the sake of a sender like us. */
  #callLater(candidates: string[]): void {
    if (candidates.length === 0) return;
    const late = setTimeout(async () => {
      try {
        for (const candidate of candidates) await this.addIceCandidate({ candidate, sdpMid: '0' });
      } catch {
        // It is closed, or an address is none: no other offer will come for this connection.
        this.close();
      }
    }, ANSWERED_MS);
    late.unref();
  }
}
