/** What peers hear of the log: everybody its checkpoint now and then; those who witness it each one, with its proof. */
import type { Clock } from '@llmesh/core/base/clock';
import type { CheckpointNews } from '@llmesh/core/wire/credit-messages';
import { toBase64 } from '@llmesh/log/base/base64';
import type { LogKeeper } from './log-keeper.ts';
import type { Signed } from './log-writer.ts';

/** Peers compare what they were shown, and a minute-old fork is a fork. */
const NEWS_MS = 30_000;
/** Each costs a message every two seconds, and a signature to check. */
export const MAX_WITNESSES = 256;

/** One session that hears of the log. */
export interface LogListener {
  /** The size that it has signed last; null: it is no witness. */
  readonly witnessed: number | null;
  /** It is told as soon as it reads. */
  show(message: string): void;
}

export class LogNews {
  readonly keeper: LogKeeper;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  readonly #listeners = new Set<LogListener>();
  readonly #stopListening: () => void;
  #stopTimer = () => {};
  #told: string | null = null;

  /** `failed`: a proof cannot be read. */
  constructor(keeper: LogKeeper, clock: Clock, failed: (error: unknown) => void) {
    this.keeper = keeper;
    this.#clock = clock;
    this.#failed = failed;
    this.#stopListening = keeper.onSigned((signed) => this.#signed(signed));
    this.#wait();
  }

  /** It hears at once how the log stands. Returns what makes it hear no more. */
  enter(listener: LogListener): () => void {
    this.#listeners.add(listener);
    const news = this.#news();
    if (news !== null) listener.show(JSON.stringify(news));
    return () => this.#listeners.delete(listener);
  }

  /** Whether another may witness. */
  get hasRoom(): boolean {
    let witnesses = 0;
    for (const { witnessed } of this.#listeners) if (witnessed !== null) witnesses += 1;
    return witnesses < MAX_WITNESSES;
  }

  /** For one that begins to witness: what it is to sign now. */
  catchUp(listener: LogListener): void {
    const { signed } = this.keeper;
    if (signed !== null) void this.#prove(signed, listener, new Map());
  }

  close(): void {
    this.#stopTimer();
    this.#stopListening();
    this.#listeners.clear();
  }

  #signed(signed: Signed): void {
    const proofs = new Map<number, Promise<string>>();
    for (const listener of this.#listeners) {
      if (listener.witnessed !== null) void this.#prove(signed, listener, proofs);
    }
  }

  /** Most witnesses have signed the same one before. Never rejects: what cannot be proved now is proved with the next one. */
  async #prove(signed: Signed, listener: LogListener, proofs: Map<number, Promise<string>>): Promise<void> {
    const from = Math.min(listener.witnessed ?? 0, signed.checkpoint.size);
    const proof = proofs.get(from) ?? this.#message(signed, from);
    proofs.set(from, proof);
    try {
      listener.show(await proof);
    } catch (thrown) {
      this.#failed(thrown);
    }
  }

  async #message({ note, checkpoint }: Signed, from: number): Promise<string> {
    const proof = (await this.keeper.consistency(from, checkpoint.size)).map(toBase64);
    const news: CheckpointNews = { type: 'checkpoint', note, from, proof, final: false };
    return JSON.stringify(news);
  }

  #news(): CheckpointNews | null {
    const { final, signed } = this.keeper;
    const note = final?.note ?? signed?.note;
    return note === undefined ? null : { type: 'checkpoint', note, from: 0, proof: [], final: final !== null };
  }

  #wait(): void {
    this.#stopTimer = this.#clock.after(NEWS_MS, () => {
      this.#wait();
      const news = this.#news();
      if (news === null || news.note === this.#told) return;
      this.#told = news.note;
      const message = JSON.stringify(news);
      for (const listener of this.#listeners) if (listener.witnessed === null) listener.show(message);
    });
  }
}
