/** A link that nobody between its ends can read or alter. Made by `SealedTransport`; a link like any other from then on. */
import { asMeshError, type MeshError } from './errors.ts';
import type { PeerId } from './ids.ts';
import type { Session } from './seal-handshake.ts';
import { notSealed } from './seal-wire.ts';
import { SealedStream } from './sealed-stream.ts';
import { HIGH_WATER_BYTES, type Link, type Path } from './transport.ts';

export class SealedLink implements Link {
  readonly peer: PeerId;
  /** The other end holds the key of `peer`. False: only the transport says so (a client that stays anonymous). */
  readonly proven: boolean;
  /** 32 bytes, the same at both ends, and of no other link. */
  readonly sessionId: Uint8Array;
  /** Why it closed, when something forged, altered or foreign arrived; null while it is open or was closed on purpose. */
  failure: MeshError | null = null;
  drained: (() => void) | null = null;
  #link: Link;
  #sending: SealedStream;
  #receiving: SealedStream;
  #receive: ((fragment: Uint8Array) => void) | null = null;
  #closed: (() => void) | null = null;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #open = true;
  #told = false;

  /** From now on `link` is its own, but for `link.receive`: whoever made it passes on to `deliver`. */
  constructor(link: Link, session: Session) {
    this.peer = session.peer;
    this.proven = session.proven;
    this.sessionId = session.sessionId;
    this.#link = link;
    this.#sending = new SealedStream(session.send);
    this.#receiving = new SealedStream(session.receive);
    link.closed = () => this.close();
    link.drained = () => this.drained?.();
  }

  get bufferedBytes(): number {
    return this.#link.bufferedBytes;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    if (this.#open) this.#link.send(this.#sending.seal(fragment));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#link.close();
    this.#tell();
  }

  path(): Promise<Path | null> {
    return this.#link.path();
  }

  /** One message of the link below. Anything but the very next sealed fragment closes both. */
  deliver(message: Uint8Array): void {
    if (!this.#open) return;
    let fragment: Uint8Array;
    try {
      fragment = this.#receiving.open(message);
    } catch (thrown) {
      this.#fail(asMeshError(thrown, 'bad_message', 'The other computer sent something that cannot be read.'));
      return;
    }
    if (this.#receive !== null) {
      this.#receive(fragment);
      return;
    }
    this.#early.push(fragment);
    this.#earlyBytes += fragment.byteLength;
    // Nobody listens, and the other end goes on and on.
    if (this.#earlyBytes > HIGH_WATER_BYTES) this.#fail(notSealed());
  }

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

  /** Called at once when the link is gone already: a handshake leaves time enough for that. */
  set closed(closed: (() => void) | null) {
    this.#closed = closed;
    if (!this.#open) this.#tell();
  }

  #fail(failure: MeshError): void {
    this.failure = failure;
    this.close();
  }

  #tell(): void {
    if (this.#told || this.#closed === null) return;
    this.#told = true;
    this.#closed();
  }
}
