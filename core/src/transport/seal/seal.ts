/**
 * A transport whose links are sealed end to end, over any other. Noise XX where both ends have an identity; NK for a
 * client that stays anonymous and knows the provider's static key. Whoever introduced the peers, relayed the bytes or
 * sits in between can delay or cut a link, and nothing else.
 */
import { onAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { Credentials } from './credentials.ts';
import { asMeshError, cancelled, MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import { networkPrefix, type NetworkBinding } from '../../identity/network-bound.ts';
import { randomBytes, type RandomBytes } from '../../base/random-bytes.ts';
import { SealOpening } from './seal-opening.ts';
import type { SealedLink } from './sealed-link.ts';
import type { Link, Transport } from '../transport.ts';
import { concatBytes } from '@noble/hashes/utils.js';
import { BrokenWhileSealing } from '../link-end.ts';

/** Accepted links whose handshake is under way. Past this many the newest is refused. */
export const MAX_HANDSHAKES = 64;
/** How many of these one peer may have: nobody fills the room alone. */
export const MAX_HANDSHAKES_PER_PEER = 4;

export interface SealOptions {
  /** Null: we stay anonymous. We can dial who is known to `staticKeyOf`, and cannot be dialled. */
  credentials: Credentials | null;
  /** For anonymous clients: from the provider's certificate (`readCertificate`); null when it has shown none. */
  staticKeyOf?: (peer: PeerId) => Uint8Array | null;
  /** Both ends have to be of this network: no handshake between two succeeds. Left out: of none. */
  binding?: NetworkBinding;
  /** A link of a stranger was refused, and why. For counters and logs. */
  refused?: (peer: PeerId, error: MeshError) => void;
  clock: Clock;
  random?: RandomBytes;
}

export class SealedTransport implements Transport {
  readonly self: PeerId;
  /** Called with a `SealedLink`, once it is sealed. */
  accept: ((link: Link) => void) | null = null;
  #inner: Transport;
  #options: SealOptions;
  #closed = false;
  #accepting = new Map<symbol, PeerId>();

  constructor(inner: Transport, options: SealOptions) {
    this.self = inner.self;
    this.#inner = inner;
    this.#options = options;
    inner.accept = (link) => this.#accept(link);
  }

  /** How many accepted links are being sealed. */
  get handshakes(): number {
    return this.#accepting.size;
  }

  /**
   * Rejects as the transport below does, with connect_failed when the other end does not answer in time, with
   * version_mismatch, with wrong_peer when another one answered, or with seal_failed when it could not prove who it is or
   * something was altered on the way.
   */
  async dial(peer: PeerId, signal: AbortSignal): Promise<SealedLink> {
    const { credentials, staticKeyOf } = this.#options;
    const remoteStatic = credentials === null ? (staticKeyOf?.(peer) ?? null) : null;
    if (credentials === null && remoteStatic === null) {
      throw new MeshError('connect_failed', 'That volunteer has not shown the key that an anonymous visitor needs.');
    }
    try {
      return await this.#seal(await this.#inner.dial(peer, signal), peer, remoteStatic, signal);
    } catch (thrown) {
      if (!(thrown instanceof BrokenWhileSealing) || signal.aborted || this.#closed) throw thrown;
      // Worth another try, and no more than one.
      return this.#seal(await this.#inner.dial(peer, signal), peer, remoteStatic, signal);
    }
  }

  reachable(signal: AbortSignal): Promise<void> {
    return this.#inner.reachable(signal);
  }

  close(): void {
    this.#closed = true;
    this.#inner.close();
  }

  /** A link that we dialled. */
  #seal(link: Link, peer: PeerId, remoteStatic: Uint8Array | null, signal: AbortSignal): Promise<SealedLink> {
    return new Promise<SealedLink>((resolve, reject) => {
      const prologue = prologueOf(link, this.#options.binding, reject);
      if (prologue === null) return;
      let opening: SealOpening | null = null;
      const stopAbort = onAbort(signal, () => opening?.fail(cancelled()));
      opening = new SealOpening({
        link,
        clock: this.#options.clock,
        pattern: this.#options.credentials === null ? 'NK' : 'XX',
        handshake: { ...this.#ours(), role: 'dialler', remoteStatic, claimed: peer, prologue },
        sealed: (sealed) => {
          stopAbort();
          resolve(sealed);
        },
        failed: (error) => {
          stopAbort();
          reject(error);
        },
      });
      // The transport may have been too late to notice.
      if (signal.aborted) opening.fail(cancelled());
    });
  }

  #accept(link: Link): void {
    const { credentials, clock, refused } = this.#options;
    const claimed = link.peer;
    const refuse = (error: MeshError) => refused?.(claimed, error);
    if (credentials === null || this.accept === null) {
      link.close();
      refuse(new MeshError('connect_failed', 'This computer calls others but accepts no calls.'));
      return;
    }
    if (this.#crowded(claimed)) {
      link.close();
      refuse(new MeshError('busy', 'Too many computers are connecting at once. Try again in a moment.'));
      return;
    }
    const prologue = prologueOf(link, this.#options.binding, refuse);
    if (prologue === null) return;
    // The opening may settle before there is a name for it.
    const place = Symbol('opening');
    this.#accepting.set(place, claimed);
    new SealOpening({
      link,
      clock,
      pattern: null,
      handshake: { ...this.#ours(), role: 'acceptor', remoteStatic: null, claimed, prologue },
      sealed: (sealed) => {
        this.#accepting.delete(place);
        if (this.accept === null) sealed.close();
        else this.accept(sealed);
      },
      failed: (error) => {
        this.#accepting.delete(place);
        refuse(error);
      },
    });
  }

  #ours() {
    return { credentials: this.#options.credentials, random: this.#options.random ?? randomBytes };
  }

  #crowded(peer: PeerId): boolean {
    if (this.#accepting.size >= MAX_HANDSHAKES) return true;
    let own = 0;
    for (const other of this.#accepting.values()) if (other === peer) own += 1;
    return own >= MAX_HANDSHAKES_PER_PEER;
  }
}

/** Closes the link and tells `refuse` when the link cannot be told from another. */
function prologueOf(
  link: Link,
  binding: NetworkBinding | undefined,
  refuse: (error: MeshError) => void,
): Uint8Array | null {
  try {
    return concatBytes(networkPrefix(binding?.network ?? null), link.prologue());
  } catch (thrown) {
    link.close();
    refuse(asMeshError(thrown, 'seal_failed', 'The connection could not be sealed.'));
    return null;
  }
}
