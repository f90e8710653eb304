/** What every link does for its owner, whatever carries it: it keeps early messages, and says once that it is gone. */
import { HIGH_WATER_BYTES } from './transport.ts';
import { MeshError } from '../base/errors.ts';

export abstract class LinkEnd {
  drained: (() => void) | null = null;
  #receive: ((fragment: Uint8Array) => void) | null = null;
  #closed: (() => void) | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #open = true;

  get receive(): ((fragment: Uint8Array) => void) | null {
    return this.#receive;
  }

  set receive(receive: ((fragment: Uint8Array) => void) | null) {
    this.#receive = receive;
    if (receive === null) return;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const fragment of early) receive(fragment);
  }

  get closed(): (() => void) | null {
    return this.#closed;
  }

  set closed(closed: (() => void) | null) {
    this.#closed = closed;
    if (!this.#open) closed?.();
  }

  protected get open(): boolean {
    return this.#open;
  }

  /** False: nobody listens, and the other end keeps sending. The link is useless now. */
  protected deliver(fragment: Uint8Array): boolean {
    if (!this.#open) return true;
    if (this.#receive !== null) {
      this.#receive(fragment);
      return true;
    }
    this.#early.push(fragment);
    this.#earlyBytes += fragment.byteLength;
    return this.#earlyBytes <= HIGH_WATER_BYTES;
  }

  /** Stops deliveries. Followed by `tellClosed`; false: it was over before. */
  protected end(): boolean {
    const was = this.#open;
    this.#open = false;
    return was;
  }

  protected tellClosed(): void {
    this.#closed?.();
  }
}

/** The link was gone before it was sealed, as WebRTC's now and then are as soon as they open. */
export class BrokenWhileSealing extends MeshError {
  constructor() {
    super('connect_failed', 'The connection broke while it was being sealed.');
  }
}
