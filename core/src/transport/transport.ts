/**
 * The port between the mesh and the carrier of its bytes. Adapters: PeerJS over WebRTC (`peerjs-transport.ts`), the
 * control plane (`relay-transport.ts`), memory (`memory-transport.ts`) for tests; several as one (`raced-transport.ts`), and
 * any of them sealed (`seal.ts`). The acceptance suite is `suites/transport.ts`.
 */
import type { MeshError } from '../base/errors.ts';
import type { PeerId } from '../base/ids.ts';

export type Path = 'direct' | 'relay';

/** An open, ordered, reliable way to one peer. It carries opaque fragments of at most 16 KiB. */
export interface Link {
  readonly peer: PeerId;
  /** Takes the bytes over at once. Does nothing on a closed link. */
  send(fragment: Uint8Array<ArrayBuffer>): void;
  /** The bytes that `send` has taken and that are not yet on their way. */
  readonly bufferedBytes: number;
  /** Idempotent. Calls `closed` once. */
  close(): void;
  /**
   * What both ends see alike of this link, and whoever sits between two links cannot make alike: the seal binds the ends
   * with it. Throws when it cannot be had, and then the link is of no use.
   */
  prologue(): Uint8Array;
  /** How the bytes travel, when the transport can tell. */
  path(): Promise<Path | null>;
  /** Set by the owner as soon as it has the link; nothing is delivered before. */
  receive: ((fragment: Uint8Array) => void) | null;
  /** `bufferedBytes` fell below the low-water mark. */
  drained: (() => void) | null;
  /** The link is gone, closed by either end. Called once; at once when it is gone already. */
  closed: (() => void) | null;
  /**
   * A lane of its own for bytes that can wait and that anyone may know: pieces of models. Encrypted between the very ends that
   * the seal's prologue binds, and not sealed once more. Left out or null: this link has none, relays among them.
   */
  readonly bulk?: BulkLane | null;
  /** False: the other end stays anonymous, and `peer` is what others call it. Left out: it is as sure as it gets. */
  readonly proven?: boolean;
  /** Why it closed, when the other end or something between broke the rules. */
  readonly failure?: MeshError | null;
}

/** Ordered and reliable like its link, and closed with it. What comes on it before anyone listens closes the link. */
export interface BulkLane {
  /** The other end has it, too; peers of older versions never do. */
  readonly open: boolean;
  /** Called when it opens; at once when it is open already. */
  opened: (() => void) | null;
  /** Takes over at most MAX_BULK_BYTES. Does nothing unless it is open. */
  send(block: Uint8Array<ArrayBuffer>): void;
  readonly bufferedBytes: number;
  /** The block is only lent until this returns. */
  receive: ((block: Uint8Array) => void) | null;
  /** `bufferedBytes` fell below BULK_LOW_WATER_BYTES. */
  drained: (() => void) | null;
}

export interface Transport {
  readonly self: PeerId;
  /** Rejects with connect_failed, or cancelled when `signal` aborts. */
  dial(peer: PeerId, signal: AbortSignal): Promise<Link>;
  /** Resolves when others can dial us. Rejects with cancelled. */
  reachable(signal: AbortSignal): Promise<void>;
  /** The certificate of our key, in base32: for our adverts, so that anonymous requesters can call us. */
  certificate?: string;
  /** Learns what another peer has shown in its advert. Only transports that stay anonymous need it. */
  learn?: (peer: PeerId, certificate: string) => void;
  /** A peer dialled us. */
  accept: ((link: Link) => void) | null;
  /** Closes every link. Idempotent. */
  close(): void;
}

/** Stop sending above the first, continue below the second. */
export const HIGH_WATER_BYTES = 4_194_304;
export const LOW_WATER_BYTES = 1_048_576;

/** One message of a bulk lane: what every WebRTC stack carries. */
export const MAX_BULK_BYTES = 65_536;
/** Little enough that a word of an answer never waits long behind pieces of models. */
export const BULK_HIGH_WATER_BYTES = 524_288;
export const BULK_LOW_WATER_BYTES = 262_144;
