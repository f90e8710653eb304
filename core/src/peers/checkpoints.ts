/**
 * The mesh's log as we were shown it, and as others were: peers pass its signed checkpoints to each other, so that a log
 * which shows different pasts to different people is found. Here they are mere texts; whoever listens checks them.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { PeerId } from '../base/ids.ts';
import { TokenBucket } from '../base/token-bucket.ts';
import type { CheckpointNews } from '../wire/credit-messages.ts';

/** Texts that were heard lately and are not told again: eight KiB each at most. */
const MAX_REMEMBERED = 64;
/** Whoever listens checks signatures, and may have to ask the log: strangers cannot make it do so without end. */
const ALL_RATE = { perSecond: 2, burst: 32 };
/** One peer's nonsense must not keep out what the others were shown. */
const PEER_RATE = { perSecond: 0.1, burst: 4 };
const MAX_PEERS = 512;

export interface CheckpointEvents {
  /** What the control plane showed us. */
  shown: [checkpoint: CheckpointNews];
  /** What this peer was shown, and we were not. */
  heard: [note: string, from: PeerId];
}

export class Checkpoints extends Emitter<CheckpointEvents> {
  /** The newest that the control plane showed us; null: it has no log, or has said nothing yet. */
  latest: string | null = null;
  readonly #known = new BoundedMap<string, true>(MAX_REMEMBERED);
  readonly #rates = new BoundedMap<PeerId, TokenBucket>(MAX_PEERS);
  readonly #rate: TokenBucket;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
    this.#rate = new TokenBucket(clock, ALL_RATE);
  }

  shown(checkpoint: CheckpointNews): void {
    this.latest = checkpoint.note;
    this.#known.set(signedPart(checkpoint.note), true);
    this.emit('shown', checkpoint);
  }

  /** Over the rate it is not remembered either, so that it counts when it is heard again. */
  heard(note: string | undefined, from: PeerId): void {
    if (note === undefined || this.#known.has(signedPart(note)) || !this.#takes(from)) return;
    this.#known.set(signedPart(note), true);
    this.emit('heard', note, from);
  }

  #takes(from: PeerId): boolean {
    const own = this.#rates.get(from) ?? new TokenBucket(this.#clock, PEER_RATE);
    this.#rates.set(from, own);
    return own.take(1) && this.#rate.take(1);
  }
}

/**
 * The text that the log signs, and who signed it first: others sign below it, at different times, and it stays the same
 * checkpoint. The log's own line comes first in every note that it writes.
 */
function signedPart(note: string): string {
  const lines = note.split('\n', MAX_LINES);
  return lines.slice(0, lines.indexOf('') + 2).join('\n');
}

/** Origin, size, root, an empty line and a signature; an extension or two. */
const MAX_LINES = 16;
