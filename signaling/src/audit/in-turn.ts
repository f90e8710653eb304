/**
 * What changes audits, one after the other: it is decided by what is known, then written, and only then does everybody go by it. What
 * came in between would decide by what is out of date. Nothing that runs here may wait for its own turn.
 */
import { MeshError } from '@llmesh/core/base/errors';

/** Beyond this many, nobody's turn comes soon: the disk is too slow, or stands still. */
const MAX_WAITING = 4_096;

export class InTurn {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Settles as `change` does. Rejects with busy when too many wait. */
  run<T>(change: () => T | Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING)
      return Promise.reject(new MeshError('busy', 'The mesh has too much to write down right now. Try again later.'));
    this.#waiting++;
    const done = this.#last.then(change).finally(() => {
      this.#waiting--;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /** Everything has come to its end, with what it led to. */
  async idle(): Promise<void> {
    while (this.#waiting > 0) await this.#last;
  }
}
