/**
 * The worst that a signalling server can be: it answers the caller itself, calls the called one itself, each with a
 * certificate of its own, and hands on what comes from either. Both WebRTC connections are real and encrypted; the man in
 * the middle reads all of it.
 */
import type { LyingSignalling, Signalled } from './lying-signalling.ts';

interface Bridge {
  caller: string;
  toCaller: RTCPeerConnection;
  toCalled: RTCPeerConnection;
  candidates: [RTCPeerConnection, RTCIceCandidateInit][];
  /**
   * His own candidates, but not before the answer: libdatachannel refuses the certificate of a peer that connects while it
   * is still reading that.
   */
  tellCalled: () => void;
}

export class ManInTheMiddle {
  /** All that went through his hands. */
  readonly read: Uint8Array[] = [];
  readonly #signalling: LyingSignalling;
  readonly #bridges = new Map<string, Bridge>();
  /** Handles one signal after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(signalling: LyingSignalling) {
    this.#signalling = signalling;
    signalling.lie = (message) => {
      this.#work = this.#work.then(() => this.#take(message));
    };
  }

  /** Rejects with an error of his own work, which no test may take for a defence. */
  settled(): Promise<void> {
    return this.#work;
  }

  close(): void {
    this.#signalling.lie = () => {};
    for (const { toCaller, toCalled } of this.#bridges.values()) {
      toCaller.close();
      toCalled.close();
    }
  }

  async #take(message: Signalled): Promise<void> {
    const { type, src, payload } = message;
    const { connectionId, sdp, candidate } = payload;
    if (type === 'OFFER') {
      await this.#begin(message);
      return;
    }
    const bridge = this.#bridges.get(connectionId);
    if (bridge === undefined) return;
    const end = src === bridge.caller ? bridge.toCaller : bridge.toCalled;
    if (end.connectionState === 'closed') return;
    if (candidate !== undefined) bridge.candidates.push([end, candidate]);
    if (sdp !== undefined) {
      await end.setRemoteDescription(sdp);
      bridge.tellCalled();
    }
    // A candidate that overtook the answer waits for it.
    const ready = bridge.candidates.filter(([connection]) => connection.remoteDescription !== null);
    bridge.candidates = bridge.candidates.filter(([connection]) => connection.remoteDescription === null);
    for (const [connection, init] of ready) await connection.addIceCandidate(new RTCIceCandidate(init));
  }

  async #begin(offer: Signalled): Promise<void> {
    const { src: caller, dst: called, payload } = offer;
    if (payload.sdp === undefined) return;
    const { connectionId } = payload;
    const toCaller = new RTCPeerConnection();
    const toCalled = new RTCPeerConnection();
    const bridge: Bridge = { caller, toCaller, toCalled, candidates: [], tellCalled: () => {} };
    this.#bridges.set(connectionId, bridge);
    const near = new Promise<RTCDataChannel>((resolve) => {
      toCaller.ondatachannel = ({ channel }) => resolve(channel);
    });
    const far = toCalled.createDataChannel(connectionId, { ordered: true });
    const tellCaller = this.#signalCandidates(toCaller, connectionId, called, caller);
    bridge.tellCalled = this.#signalCandidates(toCalled, connectionId, caller, called);
    await toCaller.setRemoteDescription(payload.sdp);
    await toCaller.setLocalDescription(await toCaller.createAnswer());
    await toCalled.setLocalDescription(await toCalled.createOffer());
    const answer = { type: 'answer', sdp: toCaller.localDescription?.sdp };
    const own = { type: 'offer', sdp: toCalled.localDescription?.sdp };
    const answered = { ...offer, type: 'ANSWER', src: called, dst: caller, payload: { ...payload, sdp: answer } };
    this.#signalling.deliver(caller, answered);
    this.#signalling.deliver(called, { ...offer, payload: { ...payload, sdp: own } });
    tellCaller();
    void near.then((channel) => {
      this.#handOn(channel, far);
      this.#handOn(far, channel);
    });
  }

  /** Call the returned function when the description has been sent: no candidate goes before it. */
  #signalCandidates(connection: RTCPeerConnection, connectionId: string, src: string, dst: string): () => void {
    let early: RTCIceCandidate[] | null = [];
    const send = (candidate: RTCIceCandidate) =>
      this.#signalling.deliver(dst, {
        type: 'CANDIDATE',
        src,
        dst,
        payload: { candidate, type: 'data', connectionId },
      });
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) return;
      if (early === null) send(candidate);
      else early.push(candidate);
    };
    return () => {
      early?.forEach(send);
      early = null;
    };
  }

  #handOn(from: RTCDataChannel, to: RTCDataChannel): void {
    const waiting: Uint8Array<ArrayBuffer>[] = [];
    const flush = () => {
      if (to.readyState === 'open') for (const bytes of waiting.splice(0)) to.send(bytes);
    };
    from.binaryType = 'arraybuffer';
    from.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      const bytes = new Uint8Array(data);
      this.read.push(bytes);
      waiting.push(bytes);
      flush();
    };
    from.onclose = () => to.close();
    to.addEventListener('open', flush);
  }
}
