/** Two connected WebSockets: what comes from one goes to the other, no faster than either can or may. */
import type { Clock } from '@llmesh/core/base/clock';
import type { TokenBucket } from '@llmesh/core/base/token-bucket';
import { CLOSE, type BoundedSocket } from '../sockets/bounded-socket.ts';

/** How much may wait for a reader before its sender has to pause, and how much may be left when it continues. */
export const HIGH_BYTES = 262_144;
const LOW_BYTES = 65_536;
/** Small messages cost work, too. */
const MESSAGE_COST_BYTES = 256;
/** Peers close their own idle links after two minutes; while a task runs they beat twice a second. */
export const IDLE_MS = 180_000;
/** No answer takes this long. */
export const LIFETIME_MS = 6 * 3_600_000;

export interface End {
  socket: BoundedSocket;
  /** The budget of bytes, shared by all links on which this peer sends. */
  budget: TokenBucket;
}

export interface RelayedLinkOptions {
  ends: readonly [End, End];
  clock: Clock;
  /** This many bytes went through. */
  passed: (byteCount: number) => void;
  refused: (code: string) => void;
  /** Called once. */
  ended: () => void;
}

export class RelayedLink {
  readonly #options: RelayedLinkOptions;
  readonly #sinceMs: number;
  #usedMs: number;
  #open = true;

  constructor(options: RelayedLinkOptions) {
    this.#options = options;
    this.#sinceMs = this.#usedMs = options.clock.now();
    const [a, b] = options.ends;
    this.#pipe(a, b.socket);
    this.#pipe(b, a.socket);
  }

  /** Idle for too long, or open for too long: its ends may open another. */
  get outlived(): boolean {
    const now = this.#options.clock.now();
    return now - this.#usedMs > IDLE_MS || now - this.#sinceMs > LIFETIME_MS;
  }

  /** Closes both ends. Idempotent. */
  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    for (const { socket } of this.#options.ends) {
      // The other end's goodbye has to be read.
      socket.resume();
      socket.close(code, reason);
    }
    this.#options.ended();
  }

  #pipe({ socket: from, budget }: End, to: BoundedSocket): void {
    const { clock, passed, refused } = this.#options;
    let stopPace: (() => void) | null = null;
    let crowded = false;
    const goOn = () => {
      if (this.#open && stopPace === null && !crowded) from.resume();
    };
    const flushed = () => {
      if (!crowded || to.bufferedAmount > LOW_BYTES) return;
      crowded = false;
      goOn();
    };
    const offended = (code: string) => {
      refused(code);
      this.close(CLOSE.badMessage, 'That is not a message of this protocol.');
    };
    from.on('message', (data: Buffer, isBinary: boolean) => {
      if (!this.#open) return;
      if (!isBinary || data.byteLength === 0) return offended('bad_message');
      this.#usedMs = clock.now();
      to.sendBytes(data, flushed);
      passed(data.byteLength);
      // A peer that does not read at all answers no ping either, and is cut off for that.
      crowded ||= to.bufferedAmount > HIGH_BYTES;
      const waitMs = budget.overdraw(data.byteLength + MESSAGE_COST_BYTES);
      if (waitMs > 0) {
        stopPace?.();
        stopPace = clock.after(waitMs, () => {
          stopPace = null;
          goOn();
        });
      }
      if (stopPace !== null || crowded) from.pause();
    });
    // `ws` closes on its own after these, with 1009 for a message over the limit.
    from.on('error', (error: Error & { code?: string }) =>
      refused(error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'message_too_large' : 'bad_message'),
    );
    to.slow = () => refused('slow_reader');
    from.on('close', () => {
      stopPace?.();
      this.close(CLOSE.normal, 'The other end left.');
    });
  }
}
