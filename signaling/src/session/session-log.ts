/** One peer and the log: what it hears of it, and what it signs as a witness. */
import type { Clock } from '@llmesh/core/base/clock';
import type { FromServer, ToServer } from '@llmesh/core/wire/control-protocol';
import { TokenBucket } from '@llmesh/core/base/token-bucket';
import type { PeerId } from '@llmesh/core/base/ids';
import { noteName } from '@llmesh/core/identity/note-name';
import { noteKey, type NoteKey } from '@llmesh/log/note/key';
import { MAX_WITNESSES, type LogListener, type LogNews } from '../log/log-news.ts';

/** A witness begins once a connection, and again after a mishap. */
const BEGIN_RATE = { perSecond: 0.1, burst: 5 };
/** There is a checkpoint every two seconds; its signature costs us a check. */
const SIGN_RATE = { perSecond: 1, burst: 8 };

export interface SessionLogNeeds {
  readonly clock: Clock;
  /** Null: this mesh has no credits, and no log. */
  readonly news: LogNews | null;
}

/** Sends text, unless the peer lags behind. */
export type ShowNews = (message: string) => void;

export class SessionLog implements LogListener {
  readonly #news: LogNews | null;
  readonly #begins: TokenBucket;
  readonly #signs: TokenBucket;
  readonly #show: ShowNews;
  #witnessed: number | null = null;
  #key: NoteKey | null = null;
  #leave = () => {};

  constructor({ clock, news }: SessionLogNeeds, show: ShowNews) {
    this.#news = news;
    this.#begins = new TokenBucket(clock, BEGIN_RATE);
    this.#signs = new TokenBucket(clock, SIGN_RATE);
    this.#show = show;
  }

  get witnessed(): number | null {
    return this.#witnessed;
  }

  show(message: string): void {
    this.#show(message);
  }

  /** From now on it hears of the log. */
  welcomed(peer: PeerId, publicKey: Uint8Array): void {
    if (this.#news === null) return;
    this.#key = noteKey(noteName(peer), 'cosignature', publicKey);
    this.#leave = this.#news.enter(this);
  }

  /** Idempotent. */
  left(): void {
    this.#leave();
    this.#witnessed = null;
  }

  /** What is wrong with it; null: it is done. */
  take(message: Extract<ToServer, { type: 'witness' | 'cosign' }>): FromServer | null {
    const news = this.#news;
    if (news === null || this.#key === null)
      return refused('unsupported', 'This mesh has no credits, and no log to witness.');
    if (message.type === 'witness') return this.#begin(news, message.size);
    if (!this.#signs.take(1))
      return refused('rate_limited', 'Too many signatures at once. One a checkpoint is enough.');
    if (this.#witnessed === null) return refused('bad_message', 'Say that you are a witness before you sign.');
    const { size, line } = message;
    if (!news.keeper.cosigned(size, `${line}\n`, this.#key)) {
      // An older checkpoint than those that still gather signatures is no fault of its witness.
      return !news.keeper.gathers(size)
        ? null
        : refused('bad_message', 'This signature is not by a key of yours under a checkpoint of this log.');
    }
    this.#witnessed = Math.max(this.#witnessed, size);
    return null;
  }

  #begin(news: LogNews, size: number): FromServer | null {
    if (!this.#begins.take(1)) return refused('rate_limited', 'Beginning to witness once a connection is enough.');
    if (this.#witnessed === null && !news.hasRoom) {
      return refused('busy', `This log has ${MAX_WITNESSES} witnesses here already. Try again later.`);
    }
    this.#witnessed = size;
    news.catchUp(this);
    return null;
  }
}

function refused(code: 'unsupported' | 'rate_limited' | 'busy' | 'bad_message', message: string): FromServer {
  return { type: 'refused', code, message };
}
