/** Somebody on `/mesh` who writes every message by hand, as an attacker would. */
import { createHash } from 'node:crypto';
import { WebSocket } from 'ws';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import type { Identity } from '@llmesh/core/identity/identity';
import { proveKey } from '@llmesh/core/identity/key-proof';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Target } from './target.ts';

type Message = Record<string, unknown>;
const PURPOSE = Buffer.from('llmesh/1/join\0');
const JOIN_TIMEOUT_MS = 30_000;
/** How many connections a small program of an attacker would open at once. */
const TOGETHER = 10;

export interface StrangerOptions {
  /** The address of this computer that it comes from; on Linux all of 127.0.0.0/8 are. */
  from?: string;
  /** Headers that a browser would send. */
  headers?: Record<string, string>;
}

export class Stranger {
  readonly identity: Identity = nodeIdentity(randomBytes(32));
  readonly peerId = this.identity.peerId;
  welcome: Message | null = null;
  closed = false;
  readonly #socket: WebSocket;
  readonly #host: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #requests = 0;
  #beat: NodeJS.Timeout | null = null;

  private constructor(target: Target, { from, headers = {} }: StrangerOptions) {
    this.#host = headers['host'] ?? `127.0.0.1:${target.port}`;
    this.#socket = new WebSocket(`ws://127.0.0.1:${target.port}/mesh`, {
      headers,
      ...(from && { localAddress: from }),
    });
  }

  /** Joins. Rejects when it is not let in. */
  static async join(target: Target, options: StrangerOptions = {}): Promise<Stranger> {
    const stranger = new Stranger(target, options);
    await stranger.#join();
    return stranger;
  }

  /** Joins as many as get in within `ms`, up to `most`. */
  static async crowd(target: Target, most: number, ms: number, from?: string): Promise<Stranger[]> {
    const crowd: Stranger[] = [];
    const endMs = performance.now() + ms;
    while (crowd.length < most && performance.now() < endMs) {
      const wanted = Math.min(TOGETHER, most - crowd.length);
      const joined = await Promise.allSettled(
        Array.from({ length: wanted }, () => Stranger.join(target, from === undefined ? {} : { from })),
      );
      const let_in = joined.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      crowd.push(...let_in);
      if (let_in.length === 0) break;
    }
    return crowd;
  }

  send(message: Message): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** Resolves with the reply to this request; null: there was none within `ms`. */
  ask(message: Message, ms = 10_000): Promise<Message | null> {
    this.#requests += 1;
    const requestId = this.#requests;
    return new Promise((resolve) => {
      const done = (answer: Message | null) => {
        clearTimeout(timer);
        this.#waiting.delete(requestId);
        resolve(answer);
      };
      const timer = setTimeout(() => done(null), ms);
      this.#waiting.set(requestId, (answer) => {
        if (answer['type'] !== 'queued') done(answer);
      });
      this.send({ ...message, requestId });
    });
  }

  match(more: Message = {}, ms = 10_000): Promise<Message | null> {
    const question = { model: 'llmesh-tiny', maxUnits: 512, exclude: [], only: null, prefer: null };
    return this.ask({ type: 'match', ...question, ...more }, ms);
  }

  /** Says what it lends, and that it is there. */
  lend(models: Message[], { slots = 1, busySlots = 0, units = 0 } = {}): void {
    this.send({ type: 'advert', slots, certificate: null, models });
    const beat = () => this.send({ type: 'heartbeat', busySlots, queued: 0, units });
    beat();
    this.#beat ??= setInterval(beat, 1_000);
  }

  /** Leaves without a word. */
  close(): void {
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#socket.terminate();
  }

  #join(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => fail(new Error('not let in in time')), JOIN_TIMEOUT_MS);
      const fail = (error: Error) => {
        clearTimeout(timer);
        this.close();
        reject(error);
      };
      this.#socket.on('error', fail);
      this.#socket.on('unexpected-response', (_request, response) => fail(new Error(`HTTP ${response.statusCode}`)));
      this.#socket.on('close', (code) => {
        this.closed = true;
        fail(new Error(`closed with ${code}`));
      });
      this.#socket.on('open', () => {
        const key = toBase32(this.identity.publicKey);
        this.send({ type: 'hello', version: PROTOCOL_VERSION, peerId: this.peerId, agent: 'native', key });
      });
      this.#socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as Message;
        if (message['type'] === 'challenge') void this.#prove(message as never);
        if (message['type'] === 'welcome') {
          clearTimeout(timer);
          this.welcome = message;
          resolve();
        }
        this.#waiting.get(Number(message['requestId']))?.(message);
      });
    });
  }

  async #prove(challenge: { type: 'challenge'; nonce: string; workBits: number }): Promise<void> {
    const nonce = fromBase32(challenge.nonce) ?? new Uint8Array();
    const proof = await proveKey(
      this.identity,
      { ...challenge, workBits: 0 },
      this.#host,
      new AbortController().signal,
    );
    this.send({ ...proof, work: await work(nonce, this.identity.publicKey, challenge.workBits) });
  }
}

/** An advert for one model. */
export function model(id: string, more: Message = {}): Message {
  return {
    id,
    name: id,
    quant: 'q8',
    format: 'gguf',
    backend: 'cpu',
    contextTokens: 2_048,
    sha256: null,
    tokensPerSecond: 50,
    continues: 'text',
    abilities: ['schema', 'completion', 'logprobs', 'penalties'],
    ...more,
  };
}

/** Faster than an honest page does it, as an attacker would. */
async function work(nonce: Uint8Array, publicKey: Uint8Array, bits: number): Promise<number> {
  const begun = createHash('sha256').update(PURPOSE).update(nonce).update(publicKey);
  const counter = Buffer.alloc(8);
  for (let number = 0; ; number += 1) {
    if (number % 65_536 === 65_535) await new Promise((resolve) => setImmediate(resolve));
    counter.writeBigUInt64BE(BigInt(number));
    if (leadingZeroBits(begun.copy().update(counter).digest()) >= bits) return number;
  }
}

function leadingZeroBits(hash: Uint8Array): number {
  let bits = 0;
  for (const byte of hash) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24;
    bits += 8;
  }
  return bits;
}
