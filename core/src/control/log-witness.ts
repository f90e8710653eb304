/**
 * Witnesses the mesh's log over our connection to it: each checkpoint that continues the one before is signed, and any other
 * is kept as evidence. What a signature needs is behind a port, so that core knows nothing of how a log is built.
 */
import type { CheckpointNews } from '../wire/credit-messages.ts';
import type { ControlClient } from './control.ts';

/** Which part of the answer says what, as C2SP tlog-witness has it. */
export interface CosignAnswer {
  readonly status: number;
  /** 200: a line for each signature. 409: the size that was signed last. */
  readonly body: string;
}

export interface Cosigner {
  /** How large the log was that was signed last; 0: none was. */
  size(): Promise<number>;
  /** Takes a request of C2SP tlog-witness, `add-checkpoint`. What it signs is on the disk before it answers. */
  add(request: string): Promise<CosignAnswer>;
}

export interface LogWitnessTold {
  /** A checkpoint of this size has our signature. */
  signed(size: number): void;
  /**
   * It was not signed, for this reason in HTTP's words: 422 is a log with another past, 409 one that is smaller than what we
   * signed. Once a connection.
   */
  refused(status: number, note: string): void;
  /** The port failed: the disk is full, say. */
  failed(error: unknown): void;
}

type Control = Pick<ControlClient, 'on' | 'witness' | 'cosign' | 'state'>;

export class LogWitness {
  readonly #control: Control;
  readonly #cosigner: Cosigner;
  readonly #told: LogWitnessTold;
  readonly #stops: readonly (() => void)[];
  #next: CheckpointNews | null = null;
  #busy = false;
  #closed = false;
  /** We said once on this connection that we are elsewhere than the log thinks. */
  #corrected = false;
  #refused = false;

  constructor(control: Control, cosigner: Cosigner, told: LogWitnessTold) {
    this.#control = control;
    this.#cosigner = cosigner;
    this.#told = told;
    this.#stops = [
      control.on('state', (state) => {
        if (state === 'open') this.#begin();
      }),
      // With `final` it is news for everybody, without a proof.
      control.on('checkpoint', (news) => {
        if (!news.final) this.#take(news);
      }),
    ];
    if (control.state === 'open') this.#begin();
  }

  /** Signs nothing more. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
  }

  #begin(): void {
    this.#corrected = false;
    this.#refused = false;
    this.#cosigner.size().then(
      (size) => {
        if (!this.#closed) this.#control.witness(size);
      },
      (error: unknown) => this.#told.failed(error),
    );
  }

  /** While one is being signed, only the newest waits. */
  #take(news: CheckpointNews): void {
    this.#next = news;
    if (!this.#busy) void this.#work();
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let news = this.#next; news !== null && !this.#closed; news = this.#next) {
      this.#next = null;
      try {
        this.#answered(news, await this.#cosigner.add(requestOf(news)));
      } catch (thrown) {
        this.#told.failed(thrown);
      }
    }
    this.#busy = false;
  }

  #answered({ note }: CheckpointNews, { status, body }: CosignAnswer): void {
    if (this.#closed) return;
    const size = Number(note.split('\n', 2)[1]);
    if (status === 200) {
      for (const line of body.split('\n').filter((one) => one !== '')) this.#control.cosign(size, line);
      this.#told.signed(size);
    } else if (status === 409 && !this.#corrected) {
      this.#corrected = true;
      this.#control.witness(Number(body));
    } else if (!this.#refused && (status !== 409 || Number(body) > size)) {
      this.#refused = true;
      this.#told.refused(status, note);
    }
  }
}

function requestOf({ from, proof, note }: CheckpointNews): string {
  return `old ${from}\n${proof.map((hash) => `${hash}\n`).join('')}\n${note}`;
}
