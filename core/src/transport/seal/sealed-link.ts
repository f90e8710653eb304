/** A link that nobody between its ends can read or alter. Made by `SealedTransport`; a link like any other from then on. */
import { asMeshError, MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import { LinkEnd } from '../link-end.ts';
import type { Session } from './seal-handshake.ts';
import { SealedStream } from './sealed-stream.ts';
import type { BulkLane, Link, Path } from '../transport.ts';

export class SealedLink extends LinkEnd implements Link {
  readonly peer: PeerId;
  /** Whether the other end holds the key of `peer`. False: only the transport says so (a client that stays anonymous). */
  readonly proven: boolean;
  /** The handshake hash: 32 bytes, the same at both ends, and of no other link. */
  readonly sessionId: Uint8Array;
  /** Why it closed, when something forged, altered or foreign arrived; null while it is open or was closed on purpose. */
  failure: MeshError | null = null;
  #link: Link;
  #sending: SealedStream;
  #receiving: SealedStream;

  /** As encrypted as the link below, between the ends that the handshake has proven: its prologue has both fingerprints. */
  readonly bulk: BulkLane | null;

  /** Takes over `link`, except for `link.receive`: its maker passes messages on to `unseal`. */
  constructor(link: Link, session: Session) {
    super();
    this.peer = session.peer;
    this.proven = session.proven;
    this.sessionId = session.sessionId;
    this.#link = link;
    this.bulk = link.bulk ?? null;
    this.#sending = new SealedStream(session.send);
    this.#receiving = new SealedStream(session.receive);
    link.closed = () => this.close();
    link.drained = () => this.drained?.();
  }

  get bufferedBytes(): number {
    return this.#link.bufferedBytes;
  }

  send(fragment: Uint8Array<ArrayBuffer>): void {
    if (this.open) this.#link.send(this.#sending.seal(fragment));
  }

  close(): void {
    if (!this.end()) return;
    this.#link.close();
    this.tellClosed();
  }

  /** The link below knows: a seal within the seal would bind the same two ends. */
  prologue(): Uint8Array {
    return this.#link.prologue();
  }

  path(): Promise<Path | null> {
    return this.#link.path();
  }

  /** Takes one message of the link below. Anything but the very next sealed fragment closes both. */
  unseal(message: Uint8Array): void {
    if (!this.open) return;
    let fragment: Uint8Array;
    try {
      fragment = this.#receiving.open(message);
    } catch (thrown) {
      this.#fail(asMeshError(thrown, 'seal_broken', 'Something unreadable arrived.'));
      return;
    }
    if (!this.deliver(fragment)) {
      this.#fail(new MeshError('message_too_large', 'The other computer sent more than it was asked for.'));
    }
  }

  #fail(failure: MeshError): void {
    this.failure = failure;
    this.close();
  }
}
