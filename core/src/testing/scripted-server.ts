/** For tests: a control plane in the same process, whose answers a test writes. */
import { isAble } from '../policy/abilities.ts';
import { fromBase32, toBase32 } from '../base/base32.ts';
import type { MatchQuestion } from '../control/match-question.ts';
import type { SocketLike } from '../control/control-connection.ts';
import { parseToServer, type Filing, type FromServer, type QueuePosition } from '../wire/control-protocol.ts';
import { PLAIN, PRICE_VERSION } from '../policy/price.ts';
import { CHAT, type ModelAdvert } from '../wire/model-advert.ts';
import type { ErrorCode } from '../base/errors.ts';
import { SECRET_KEY_BYTES, softwareIdentity } from '../identity/identity.ts';
import type { ModelId, PeerId } from '../base/ids.ts';
import { faultOf, newChallenge } from '../identity/key-proof.ts';
import { LEASE_NONCE_BYTES, signLeases, type Leases } from '../receipts/lease.ts';
import { PROTOCOL_VERSION } from '../protocol.ts';
import { randomBytes } from '../base/random-bytes.ts';
import type { Candidate } from '../wire/candidate.ts';

export const MODEL = 'm' as ModelId;
export const NOW_MS = 1_800_000_000_000;
export const advert: ModelAdvert = {
  id: MODEL,
  name: 'M',
  quant: 'q8',
  format: 'gguf',
  backend: 'cpu',
  contextTokens: 2048,
  sha256: null,
  tokensPerSecond: null,
  continues: 'ids',
};
/** The advert of a `ScriptedEmbedder`. */
export const embedderAdvert: ModelAdvert = { ...advert, task: 'embedding', continues: 'none', embeds: 2 };

interface Waiting {
  by: PeerId;
  requestId: number;
  place: (place: QueuePosition) => void;
  called: () => void;
}

/** A server that welcomes all who prove their key, and matches with all who advertise: preferred peers first, then in order. */
export class ScriptedServer {
  readonly providers = new Map<PeerId, Candidate>();
  readonly received: string[] = [];
  /** What was filed, and by whom. */
  readonly filed: { by: PeerId; filing: Filing }[] = [];
  /** When set, it closes nothing, and says nothing. */
  hangs = false;
  /** When set, all who ask stand in `line`. */
  busy = false;
  /** Those who wait, in order, until `callNext`. */
  readonly line: Waiting[] = [];
  /** When set, every match is refused with this. */
  matchRefusal: { code: ErrorCode; message: string } | null = null;
  /** When set, nothing is filed, for this reason. */
  fileRefusal: ErrorCode | null = null;
  readonly secretKey = randomBytes(SECRET_KEY_BYTES);
  readonly identity = softwareIdentity(this.secretKey);
  /** The reports that were filed, and by whom. */
  readonly reports: { by: PeerId; report: Uint8Array }[] = [];
  readonly orders: { by: PeerId; order: Uint8Array }[] = [];
  /** Milliseconds since 1970. */
  now: () => number = () => NOW_MS;
  /** What its leases cost: micro-credits for 1,000 units. */
  price = 0;
  /** When set, it tells its clients the time. */
  tellsTime = false;
  readonly #sockets = new Map<SocketLike, PeerId>();
  #away: 'nobody' | 'everybody' | PeerId = 'nobody';

  /** Kills it, so that it knows nobody any more; or makes only `peer` unable to reach it. */
  goAway(peer: PeerId | 'everybody' = 'everybody'): void {
    this.#away = peer;
    if (peer === 'everybody') {
      this.providers.clear();
      this.line.length = 0;
    }
    for (const [socket, owner] of this.#sockets) {
      if (!this.#isAway(owner)) continue;
      this.#sockets.delete(socket);
      socket.onclose?.(undefined as never);
    }
  }

  /** Tells everybody that this peer is gone, whether or not it is. */
  tellGone(peer: PeerId): void {
    const data = JSON.stringify({ type: 'gone', peer } satisfies FromServer);
    for (const socket of this.#sockets.keys()) queueMicrotask(() => socket.onmessage?.({ data } as never));
  }

  /** Sends offers, whose content does not matter here: now and then they bring the time. */
  tellTime(): void {
    const offers = { type: 'offers', peers: 0, providers: 0, models: [], now: this.now() } satisfies FromServer;
    for (const socket of this.#sockets.keys()) socket.onmessage?.({ data: JSON.stringify(offers) } as never);
  }

  /** Says this to one peer. */
  say(peer: PeerId, message: FromServer): void {
    const data = JSON.stringify(message);
    for (const [socket, owner] of this.#sockets) if (owner === peer) socket.onmessage?.({ data } as never);
  }

  comeBack(): void {
    this.#away = 'nobody';
  }

  #isAway(from: PeerId): boolean {
    return this.#away === 'everybody' || this.#away === from;
  }

  /** Tells everybody in the line where they stand, as should happen every few seconds. */
  tellPlaces(): void {
    this.line.forEach(({ place }, i) => place({ position: i + 1, estimateMs: (i + 1) * 1_000 }));
  }

  /** Calls the first in the line. */
  callNext(): void {
    this.line.shift()?.called();
    this.tellPlaces();
  }

  /** A lease as it should be; with other terms, as it should not. */
  lease(terms: Pick<Leases, 'requester' | 'providers'> & Partial<Leases>, issuer = this.identity) {
    const expiresAt = Math.floor(this.now() / 1000) + 60;
    const plain = { task: CHAT, model: MODEL, complexity: PLAIN, price: 0, priceVersion: PRICE_VERSION, maxUnits: 100 };
    return signLeases({ ...plain, expiresAt, seed: randomBytes(LEASE_NONCE_BYTES), ...terms }, issuer);
  }

  async #match(requester: PeerId, question: MatchQuestion) {
    const { task = CHAT, model, maxUnits, complexity = PLAIN, exclude, prefer } = question;
    const candidates = [...this.providers.values()]
      .filter(({ peerId, model: offered }) => !exclude.includes(peerId) && isAble(offered, question))
      .toSorted((a, b) => Number(b.peerId === prefer) - Number(a.peerId === prefer));
    if (candidates.length === 0) return { candidates, lease: null };
    const providers = candidates.map(({ peerId }) => peerId);
    return {
      candidates,
      lease: toBase32(await this.lease({ requester, providers, task, model, maxUnits, complexity, price: this.price })),
    };
  }

  socket(of: PeerId): SocketLike {
    let peerId: PeerId | null = null;
    let key: Uint8Array | null = null;
    const challenge = newChallenge(0);
    const say = (message: FromServer) => {
      if (!this.hangs) queueMicrotask(() => socket.onmessage?.({ data: JSON.stringify(message) } as never));
    };
    const socket: SocketLike = {
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      close: () => this.#sockets.delete(socket),
      send: (json) => {
        if (!this.#sockets.has(socket)) return;
        const message = parseToServer(json);
        if (message === null) throw new Error(`not of the protocol: ${json}`);
        this.received.push(message.type);
        switch (message.type) {
          case 'hello':
            peerId = message.peerId;
            key = fromBase32(message.key ?? '');
            say(challenge);
            break;
          case 'proof':
            if (key === null || faultOf(key, challenge, message, ['mesh']) !== null) throw new Error('not proved');
            say({
              type: 'welcome',
              version: PROTOCOL_VERSION,
              heartbeatMs: 1000,
              iceServers: [],
              signalToken: 'a'.repeat(26),
              issuer: this.identity.peerId,
              ...(this.tellsTime && { now: this.now() }),
            });
            break;
          case 'advert':
            if (message.models.length === 0) this.providers.delete(peerId!);
            else {
              const [model] = message.models;
              this.providers.set(peerId!, {
                peerId: peerId!,
                agent: 'native',
                model: model!,
                slots: message.slots,
                busySlots: 0,
                queued: 0,
                reliability: 1,
                certificate: null,
              });
            }
            break;
          case 'match': {
            const { requestId } = message;
            const by = peerId!;
            const called = () =>
              void this.#match(by, message).then((matched) => say({ type: 'matched', requestId, ...matched }));
            if (this.matchRefusal !== null) say({ type: 'refused', requestId, ...this.matchRefusal });
            else if (!this.busy) called();
            else {
              this.line.push({ by, requestId, called, place: (place) => say({ type: 'queued', requestId, ...place }) });
              this.tellPlaces();
            }
            break;
          }
          case 'withdraw': {
            const at = this.line.findIndex((one) => one.by === peerId && one.requestId === message.requestId);
            if (at !== -1) this.line.splice(at, 1);
            break;
          }
          case 'file': {
            const { requestId, lease, proof } = message;
            if (this.fileRefusal !== null) {
              say({ type: 'refused', requestId, code: this.fileRefusal, message: 'No.' });
              break;
            }
            this.filed.push({ by: peerId!, filing: { lease, proof } });
            say({ type: 'filed', requestId });
            break;
          }
          case 'report':
            this.reports.push({ by: peerId!, report: fromBase32(message.report)! });
            say({ type: 'filed', requestId: message.requestId });
            break;
          case 'kept':
            say({ type: 'filed', requestId: message.requestId });
            break;
          case 'order':
            this.orders.push({ by: peerId!, order: fromBase32(message.order)! });
            say({ type: 'filed', requestId: message.requestId });
            break;
          case 'heartbeat':
          case 'hold':
          case 'holders':
          case 'relay':
          case 'witness':
          case 'cosign':
          case 'bye':
            break;
        }
      },
    };
    if (this.#isAway(of)) queueMicrotask(() => socket.onclose?.(undefined as never));
    else {
      this.#sockets.set(socket, of);
      queueMicrotask(() => socket.onopen?.(undefined as never));
    }
    return socket;
  }
}
