/** A line in front of something that does one thing at a time. */
import { untilAborted } from '@llmesh/core/base/abort';

export class OneAtATime {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn, with what ends it. Who gives up waiting lets those behind through in order. */
  async enter(signal: AbortSignal): Promise<() => void> {
    const before = this.#last;
    let done = () => {};
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    const leave = () => void before.then(done);
    try {
      await untilAborted(before, signal);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }
}
