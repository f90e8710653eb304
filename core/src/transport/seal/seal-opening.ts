/** A link on its way to being sealed: one handshake, in time, in small messages, or nothing. */
import type { Clock } from '../../base/clock.ts';
import { asMeshError, MeshError } from '../../base/errors.ts';
import { SealHandshake, type SealHandshakeOptions, type Session } from './seal-handshake.ts';
import { HANDSHAKE_NK, HANDSHAKE_XX, NOTICE, WIRE_HEADER_BYTES, wireKind, wireMessage } from './seal-wire.ts';
import { SealedLink } from './sealed-link.ts';
import type { Link } from '../transport.ts';
import { BrokenWhileSealing } from '../link-end.ts';

export const HANDSHAKE_TIMEOUT_MS = 5_000;
export const MAX_HANDSHAKE_BYTES = 1_024;
/** How long a link of another version stays, so that the word about it arrives before the link is gone. */
const LINGER_MS = 250;

export interface OpeningOptions {
  link: Link;
  clock: Clock;
  /** The pattern; for an acceptor the first message decides it. */
  pattern: 'XX' | 'NK' | null;
  handshake: Omit<SealHandshakeOptions, 'pattern'>;
  sealed: (link: SealedLink) => void;
  /** Called once, after the link has closed. */
  failed: (error: MeshError) => void;
}

export class SealOpening {
  #options: OpeningOptions;
  #handshake: SealHandshake | null = null;
  #kind: number | null = null;
  #sealed: SealedLink | null = null;
  #settled = false;
  #stopTimer: () => void;

  /** Takes the link over. Either callback may come before this returns. */
  constructor(options: OpeningOptions) {
    this.#options = options;
    const { link, clock, pattern } = options;
    this.#stopTimer = clock.after(HANDSHAKE_TIMEOUT_MS, () =>
      this.fail(new MeshError('connect_failed', 'The other computer did not seal the connection in time.')),
    );
    link.closed = () => this.fail(new BrokenWhileSealing());
    try {
      if (pattern !== null) {
        this.#begin(pattern === 'XX' ? HANDSHAKE_XX : HANDSHAKE_NK);
        this.#send(this.#handshake?.first() ?? null);
      }
    } catch (thrown) {
      this.fail(asMeshError(thrown, 'seal_failed', 'The connection could not be sealed.'));
    }
    link.receive = (message) => this.#receive(message);
  }

  /** Ends it, unless it is settled. */
  fail(error: MeshError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#stopTimer();
    const { link, failed } = this.#options;
    link.closed = null;
    link.close();
    failed(error);
  }

  #receive(message: Uint8Array): void {
    if (this.#sealed !== null) {
      this.#sealed.unseal(message);
      return;
    }
    if (this.#settled) return;
    try {
      this.#read(message);
    } catch (thrown) {
      const error = asMeshError(thrown, 'seal_failed', 'The connection could not be sealed.');
      if (error.code === 'version_mismatch' && this.#options.pattern === null) this.#notice(error);
      else this.fail(error);
    }
  }

  #read(message: Uint8Array): void {
    const kind = wireKind(message);
    const { byteLength } = message;
    if (byteLength <= WIRE_HEADER_BYTES || byteLength > WIRE_HEADER_BYTES + MAX_HANDSHAKE_BYTES) throw noHandshake();
    if (this.#handshake === null) this.#begin(kind);
    if (kind !== this.#kind || this.#handshake === null) throw noHandshake();
    const { reply, session } = this.#handshake.read(message.subarray(WIRE_HEADER_BYTES));
    this.#send(reply);
    if (session !== null) this.#finish(session);
  }

  #begin(kind: number | null): void {
    if (kind !== HANDSHAKE_XX && kind !== HANDSHAKE_NK) throw noHandshake();
    this.#kind = kind;
    this.#handshake = new SealHandshake({
      ...this.#options.handshake,
      pattern: kind === HANDSHAKE_XX ? 'XX' : 'NK',
    });
  }

  #send(body: Uint8Array | null): void {
    if (body !== null && this.#kind !== null) this.#options.link.send(wireMessage(this.#kind, body));
  }

  #finish(session: Session): void {
    // Sending may have closed the link under us.
    if (this.#settled) return;
    this.#settled = true;
    this.#stopTimer();
    this.#sealed = new SealedLink(this.#options.link, session);
    this.#options.sealed(this.#sealed);
  }

  /** The other end cannot know why we leave unless we say it in the one way that every version understands. */
  #notice(error: MeshError): void {
    const { link, clock } = this.#options;
    link.receive = () => {};
    link.send(wireMessage(NOTICE, new Uint8Array(1)));
    this.#stopTimer();
    this.#stopTimer = clock.after(LINGER_MS, () => this.fail(error));
  }
}

function noHandshake(): MeshError {
  return new MeshError('seal_failed', 'The other computer did not seal the connection. Update LLMesh there and here.');
}
