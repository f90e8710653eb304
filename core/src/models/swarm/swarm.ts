/**
 * Models from peers: fetches what this peer wants from everybody who has some of it, and lends what its owner chose to lend.
 * Every byte is checked, whoever it came from. The messages are those of `protocol.ts`; pieces travel on the bulk lane.
 */
import type { Clock } from '../../base/clock.ts';
import type { MeshError } from '../../base/errors.ts';
import type { PeerId } from '../../base/ids.ts';
import type { Channel } from '../../peers/channel.ts';
import type { Hasher } from '../hasher.ts';
import type { ContentId, PieceStore, StoredContent } from '../piece-store.ts';
import type { FetchProgress, FetchRequest, HolderIndex, SeedLimits, SwarmFigures } from '../swarm-port.ts';

export interface SwarmOptions {
  store: PieceStore;
  holders: HolderIndex;
  hasher: Hasher;
  /** Read before every piece that is sent. */
  limits: () => SeedLimits;
  /** What was sent before, on the day that `now` says; for limits that hold over a restart. Left out: nothing. */
  sentToday?: number;
  /** Something about a model went wrong that no caller waits for, as a disk that loses bytes while they are lent. */
  failed?: (error: MeshError) => void;
  /** The channel to a peer, dialled when there is none. Rejects with connect_failed or cancelled. */
  connect: (peer: PeerId, signal: AbortSignal) => Promise<Channel>;
  /** Learns a certificate that anonymous peers need before they can connect. */
  learn: (peer: PeerId, certificate: string) => void;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  random: () => number;
}

export class Swarm {
  constructor(_options: SwarmOptions) {}

  /**
   * Fetches a model, or what is missing of it, and resolves with it whole and checked; the caller closes it. Rejects with
   * model_not_found when nobody has it, storage_full, busy while another tab or process fetches it, model_integrity when what
   * everybody has is not the file that was asked for, model_download_failed, or cancelled. What has come is kept.
   */
  fetch(
    _request: FetchRequest,
    _options: { signal: AbortSignal; onProgress?: (progress: FetchProgress) => void },
  ): Promise<StoredContent> {
    throw new Error('not yet');
  }

  /** Lends these, and nothing else besides what is being fetched to be lent. Replaces what was said before. */
  seed(_contents: readonly ContentId[]): Promise<void> {
    throw new Error('not yet');
  }

  get figures(): SwarmFigures {
    throw new Error('not yet');
  }

  /** Ends all fetches and closes what is open of the store. Idempotent. */
  close(): Promise<void> {
    throw new Error('not yet');
  }
}
