/** For tests: peers over memory links with the real requester, worker, channels and frames; scripted engine and server. */
import { isAble } from '../abilities.ts';
import { untilAborted } from '../abort.ts';
import type { AdapterRoom } from '../adapter-room.ts';
import { fromBase32, toBase32 } from '../base32.ts';
import { ControlClient, type MatchQuestion } from '../control.ts';
import type { SocketLike } from '../control-connection.ts';
import { parseToServer, type Candidate, type Filing, type FromServer } from '../control-protocol.ts';
import type { ModelAdvert } from '../model-advert.ts';
import type { Place } from '../control-requests.ts';
import type { AnswerPrefix, Embedder, Engine, Finish, GenerateRequest, Piece, TextVector } from '../engine.ts';
import { cancelled, type ErrorCode, type MeshError } from '../errors.ts';
import { SECRET_KEY_BYTES, softwareIdentity, type Identity } from '../identity.ts';
import type { ModelId, PeerId } from '../ids.ts';
import { faultOf, newChallenge, proveKey } from '../key-proof.ts';
import { LEASE_NONCE_BYTES, signLeases, type Leases } from '../lease.ts';
import { IntroducedTransport } from '../introduced-transport.ts';
import { Introductions } from '../introductions.ts';
import { ManualClock } from '../manual-clock.ts';
import { MemoryReceiptKeeper } from '../memory-receipt-keeper.ts';
import { MemoryNetwork, type MemoryLink } from '../memory-transport.ts';
import { Mesh, type Providing } from '../mesh.ts';
import { PROTOCOL_VERSION } from '../protocol.ts';
import { RacedTransport } from '../raced-transport.ts';
import { randomBytes } from '../random-bytes.ts';
import type { Kept, ReceiptKeeper } from '../receipt-keeper.ts';
import type { AnswerEvent } from '../requester.ts';
import type { Transport } from '../transport.ts';
import type { WorkerStatus } from '../worker.ts';
import { MemoryRtc } from './memory-peer-connection.ts';

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
/** Of a `ScriptedEmbedder`. */
export const embedderAdvert: ModelAdvert = { ...advert, continues: 'none', embeds: 2 };

/** Writes `words` one by one, each when `next` is called; or fails. */
export class ScriptedEngine implements Pick<Engine<never>, 'generate'> {
  words: string[];
  failAfter: { words: number; error: MeshError } | null = null;
  computing = 0;
  hold: Promise<void> | null = null;

  constructor(words: string[]) {
    this.words = words;
  }

  /** What each run was held to. */
  readonly schemas: GenerateRequest['schema'][] = [];
  /** With which adapter each run was written. */
  readonly adapters: GenerateRequest['adapter'][] = [];
  /** With what each run began. */
  readonly prefixes: (AnswerPrefix | undefined)[] = [];

  /** It tells how likely its words were, where it is asked to. */
  tellsOdds = true;

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    const { prefix, schema, logprobs, adapter } = request;
    this.computing += 1;
    this.prefixes.push(prefix);
    this.schemas.push(schema);
    this.adapters.push(adapter);
    const from = prefix?.tokens ?? 0;
    try {
      let written = 0;
      for (const word of this.words.slice(from)) {
        if (this.hold !== null) {
          await Promise.race([
            this.hold,
            new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
          ]);
        }
        if (signal.aborted) throw cancelled();
        if (this.failAfter?.words === written) throw this.failAfter.error;
        written += 1;
        const odds =
          logprobs === undefined || !this.tellsOdds ? {} : { logprobs: [{ text: word, logprob: -1, top: [] }] };
        yield { text: word, tokens: 1, tokenIds: [from + written], ...(written === 1 && { promptTokens: 3 }), ...odds };
      }
      return { finish: 'stop', promptTokens: 3, completionTokens: written };
    } finally {
      this.computing -= 1;
    }
  }
}

/** A text's vector has its length and its first character. Fails after so many texts, when it is told to. */
export class ScriptedEmbedder implements Pick<Embedder<never>, 'embed'> {
  failAfter: { texts: number; error: MeshError } | null = null;
  /** Set: nothing comes until it resolves. */
  hold: Promise<void> | null = null;
  /** Runs that do. */
  waiting = 0;
  /** What it has read. */
  readonly read: string[] = [];

  async *embed(texts: readonly string[], signal: AbortSignal): AsyncGenerator<TextVector, void, undefined> {
    let made = 0;
    for (const text of texts) {
      await this.#held(signal);
      if (this.failAfter?.texts === made) throw this.failAfter.error;
      made += 1;
      this.read.push(text);
      yield { vector: vectorOf(text), promptTokens: 2 };
    }
  }

  async #held(signal: AbortSignal): Promise<void> {
    this.waiting += 1;
    try {
      await untilAborted(this.hold ?? Promise.resolve(), signal);
    } finally {
      this.waiting -= 1;
    }
  }
}

export function vectorOf(text: string): Float32Array {
  return Float32Array.of(text.length, text.codePointAt(0) ?? 0);
}

interface Waiting {
  by: PeerId;
  requestId: number;
  place: (place: Place) => void;
  called: () => void;
}

/** A server that welcomes everyone who proves its key, and matches with everyone who advertises, in the order they came, but who is preferred first. */
export class ScriptedServer {
  readonly providers = new Map<PeerId, Candidate>();
  readonly received: string[] = [];
  /** What was filed, by whom. */
  readonly filed: { by: PeerId; filing: Filing }[] = [];
  /** Set: it closes nothing, and says nothing. */
  hangs = false;
  /** Set: whoever asks stands in `line`. */
  busy = false;
  /** In their order, until `callNext`. */
  readonly line: Waiting[] = [];
  /** Set: every match is refused so. */
  matchRefusal: { code: ErrorCode; message: string } | null = null;
  /** Set: nothing is filed, and this is why. */
  fileRefusal: ErrorCode | null = null;
  readonly identity = softwareIdentity(randomBytes(SECRET_KEY_BYTES));
  /** Milliseconds since 1970. */
  now: () => number = () => NOW_MS;
  readonly #sockets = new Map<SocketLike, PeerId>();
  #away: 'nobody' | 'everybody' | PeerId = 'nobody';

  /** It is killed, and knows nobody any more; or `peer` alone cannot reach it. */
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

  /** Everybody hears that this peer is gone, whether or not it is. */
  tellGone(peer: PeerId): void {
    const data = JSON.stringify({ type: 'gone', peer } satisfies FromServer);
    for (const socket of this.#sockets.keys()) queueMicrotask(() => socket.onmessage?.({ data } as never));
  }

  comeBack(): void {
    this.#away = 'nobody';
  }

  #isAway(from: PeerId): boolean {
    return this.#away === 'everybody' || this.#away === from;
  }

  /** Everybody in the line hears where they stand, as they should every few seconds. */
  tellPlaces(): void {
    this.line.forEach(({ place }, i) => place({ position: i + 1, estimateMs: (i + 1) * 1_000 }));
  }

  /** It is the turn of the first in the line. */
  callNext(): void {
    this.line.shift()?.called();
    this.tellPlaces();
  }

  /** Leave for one task as it should be; with `changes`, as it should not. */
  lease(terms: Pick<Leases, 'requester' | 'providers'> & Partial<Leases>, issuer = this.identity) {
    const expiresAt = Math.floor(this.now() / 1000) + 60;
    const usual = { model: MODEL, price: 0, maxTokens: 100, expiresAt, seed: randomBytes(LEASE_NONCE_BYTES) };
    return signLeases({ ...usual, ...terms }, issuer);
  }

  async #match(requester: PeerId, question: MatchQuestion) {
    const { model, maxTokens, exclude, prefer } = question;
    const candidates = [...this.providers.values()]
      .filter(({ peerId, model: offered }) => !exclude.includes(peerId) && isAble(offered, question))
      .toSorted((a, b) => Number(b.peerId === prefer) - Number(a.peerId === prefer));
    if (candidates.length === 0) return { candidates, lease: null };
    const providers = candidates.map(({ peerId }) => peerId);
    return { candidates, lease: toBase32(await this.lease({ requester, providers, model, maxTokens })) };
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
          case 'heartbeat':
          case 'relay':
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

export class World {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork();
  readonly rtc = new MemoryRtc();
  readonly server = new ScriptedServer();
  readonly meshes: Mesh[] = [];
  readonly failed: MeshError[] = [];
  /** Of each peer that lends, see `MeshOptions`. */
  neighbours = 0;
  readonly keepers = new Map<PeerId, ReceiptKeeper>();
  /** The far ends of accepted links, to cut them. */
  readonly links: MemoryLink[] = [];
  readonly #accepted: { by: PeerId; link: MemoryLink }[] = [];

  constructor() {
    this.server.now = () => this.now();
  }

  /** Milliseconds since 1970, whole ones as `Date.now` has them. */
  now(): number {
    return Math.floor(NOW_MS + this.clock.now());
  }

  async join(identity = newIdentity(), keeper: ReceiptKeeper = new MemoryReceiptKeeper()): Promise<Mesh> {
    this.keepers.set(identity.peerId, keeper);
    const memory = this.network.join(identity.peerId);
    const control = new ControlClient({
      url: 'ws://mesh',
      identity,
      prove: proveKey,
      agent: 'native',
      openSocket: () => this.server.socket(identity.peerId),
      clock: this.clock,
      random: () => 0.5,
    });
    const receipts = { keeper, failed: (error: MeshError) => this.failed.push(error) };
    const now = () => this.now();
    const { clock, rtc } = this;
    const introductions = new Introductions(clock);
    const connect = () => rtc.connect();
    const introduced = new IntroducedTransport({ self: identity.peerId, introductions, connect, clock });
    const usable = (way: Transport) => way !== introduced || control.state !== 'open';
    const transport = new RacedTransport([introduced, memory], clock, usable);
    const mesh = new Mesh({
      ...{ control, transport, introductions, identity, receipts, clock, now },
      neighbours: () => this.neighbours,
      random: () => 0.5,
    });
    const accept = memory.accept;
    memory.accept = (link) => {
      this.links.push(link as MemoryLink);
      this.#accepted.push({ by: identity.peerId, link: link as MemoryLink });
      accept?.(link);
    };
    control.start();
    this.meshes.push(mesh);
    await this.clock.advance(0);
    return mesh;
  }

  async provide(
    engine: ScriptedEngine | ScriptedEmbedder,
    slots = 1,
    maxTokensPerSecond: number | null = null,
    offered = advert,
    adapterRoom?: AdapterRoom,
  ) {
    const mesh = await this.join();
    const statuses: WorkerStatus[] = [];
    const failures: MeshError[] = [];
    const hangs: MeshError[] = [];
    const providing: Providing = mesh.provide({
      models: [{ advert: offered, engine, slots, ...(adapterRoom !== undefined && { adapterRoom }) }],
      maxTokensPerSecond,
      onStatus: (status) => statuses.push(status),
      onFailure: (error) => failures.push(error),
      onHang: (error) => hangs.push(error),
    });
    await this.clock.advance(0);
    return { mesh, providing, statuses, failures, hangs };
  }

  /** The power of this peer fails: nobody hears from it any more, and nobody is told. */
  powerFails(peer: PeerId): void {
    for (const { by, link } of this.#accepted) if (by === peer) link.silenced = true;
    this.network.peers.delete(peer);
  }

  /** What this peer keeps. */
  async kept(peer: PeerId): Promise<Kept[]> {
    return (await this.keepers.get(peer)?.list()) ?? [];
  }
}

export const newIdentity = (): Identity => softwareIdentity(randomBytes(SECRET_KEY_BYTES));

export const never = new AbortController().signal;
export const question = (content = 'why?') => ({
  model: MODEL,
  turns: [{ role: 'user' as const, content }],
  sampling: { temperature: 0 },
  only: null,
  maxTokens: 100,
});

export interface Outcome {
  events: AnswerEvent[];
  text: string;
  error: MeshError | null;
}

/** Starts consuming an answer; the outcome fills while the clock turns. */
export function consume(answer: AsyncGenerator<AnswerEvent, void, undefined>): Outcome & { ended: boolean } {
  const outcome = { events: [] as AnswerEvent[], text: '', error: null as MeshError | null, ended: false };
  const run = async () => {
    try {
      for await (const event of answer) {
        outcome.events.push(event);
        if (event.type === 'piece') outcome.text += event.text;
      }
    } catch (thrown) {
      outcome.error = thrown as MeshError;
    }
    outcome.ended = true;
  };
  void run();
  return outcome;
}
