/**
 * Providers that do not tell the truth, on the wire: their programs are real, what they say is changed on its way out. Only
 * lies that a requester can see through on its own. Answers of another model, or that end too early, are for audits.
 */
import type { Link, Path, Transport } from '@llmesh/core/transport/transport';
import type { PeerId } from '@llmesh/core/base/ids';
import type { MeshError } from '@llmesh/core/base/errors';
import { MessageReader, writeMessage } from '@llmesh/core/wire/frame';
import type { DataMessage } from '@llmesh/core/protocol';

export const LIES = ['free', 'mute', 'shifted', 'doubled', 'gap', 'forged'] as const;
/**
 * free: always has free slots. mute: takes every question and answers none. shifted, doubled, gap: pieces of an answer with
 * wrong places, twice, left out. forged: receipts that nobody signed.
 */
export type Lie = (typeof LIES)[number];

const BOASTFUL = 5;
const EVERY = 5;

/** Lies to the control plane. `slow`: it claims to be several times as fast as it is. */
export function toldToControl(lie: Lie | null, slow: boolean): (json: string) => string {
  if (lie !== 'free' && !slow) return (json) => json;
  return (json) => {
    const message = JSON.parse(json) as {
      type: string;
      busySlots?: number;
      queued?: number;
      unitsPerSecond?: number;
      models?: { tokensPerSecond: number | null }[];
    };
    if (lie === 'free' && message.type === 'heartbeat') Object.assign(message, { busySlots: 0, queued: 0 });
    if (slow && message.unitsPerSecond !== undefined) message.unitsPerSecond *= BOASTFUL;
    if (slow)
      for (const model of message.models ?? []) if (model.tokensPerSecond !== null) model.tokensPerSecond *= BOASTFUL;
    return JSON.stringify(message);
  };
}

/** The messages that are sent instead of `message`; `pieces` were sent before on this link. */
function told(lie: Lie, message: DataMessage, pieces: number): DataMessage[] {
  const now = pieces % EVERY === EVERY - 1;
  switch (lie) {
    case 'free':
      return [message];
    case 'mute':
      return message.kind === 'TASK_CHUNK' || message.kind === 'TASK_RESPONSE' ? [] : [message];
    case 'shifted':
      return message.kind === 'TASK_CHUNK' && now ? [{ ...message, index: message.index + 1 }] : [message];
    case 'doubled':
      return message.kind === 'TASK_CHUNK' && now ? [message, message] : [message];
    case 'gap':
      return message.kind === 'TASK_CHUNK' && now ? [] : [message];
    case 'forged':
      return message.kind === 'TASK_RESPONSE' && message.receipt !== null
        ? [{ ...message, receipt: message.receipt.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) }]
        : [message];
    default:
      return lie satisfies never;
  }
}

/** A transport of which the other end of each link hears lies. */
export class LyingTransport implements Transport {
  readonly #inner: Transport;
  readonly #lie: Lie;

  constructor(inner: Transport, lie: Lie) {
    this.#inner = inner;
    this.#lie = lie;
  }

  get self(): PeerId {
    return this.#inner.self;
  }

  get accept(): Transport['accept'] {
    return this.#inner.accept;
  }

  set accept(accept: Transport['accept']) {
    this.#inner.accept = accept === null ? null : (link) => accept(new LyingLink(link, this.#lie));
  }

  async dial(peer: PeerId, signal: AbortSignal): Promise<Link> {
    return new LyingLink(await this.#inner.dial(peer, signal), this.#lie);
  }

  reachable(signal: AbortSignal): Promise<void> {
    return this.#inner.reachable(signal);
  }

  close(): void {
    this.#inner.close();
  }
}

class LyingLink implements Link {
  readonly #inner: Link;
  readonly #lie: Lie;
  readonly #reader = new MessageReader();
  #pieces = 0;

  constructor(inner: Link, lie: Lie) {
    this.#inner = inner;
    this.#lie = lie;
  }

  get peer(): PeerId {
    return this.#inner.peer;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  get failure(): MeshError | null {
    return this.#inner.failure ?? null;
  }

  get receive(): Link['receive'] {
    return this.#inner.receive;
  }

  set receive(receive: Link['receive']) {
    this.#inner.receive = receive;
  }

  get drained(): Link['drained'] {
    return this.#inner.drained;
  }

  set drained(drained: Link['drained']) {
    this.#inner.drained = drained;
  }

  get closed(): Link['closed'] {
    return this.#inner.closed;
  }

  set closed(closed: Link['closed']) {
    this.#inner.closed = closed;
  }

  prologue(): Uint8Array {
    return this.#inner.prologue();
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    const message = this.#reader.read(fragment);
    if (message === null) return;
    for (const said of told(this.#lie, message, this.#pieces)) {
      writeMessage(said, (bytes) => this.#inner.send(bytes));
    }
    if (message.kind === 'TASK_CHUNK') this.#pieces += 1;
  }

  path(): Promise<Path | null> {
    return this.#inner.path();
  }

  close(): void {
    this.#inner.close();
  }
}
