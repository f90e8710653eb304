/** A broker without a network: a message goes, a moment later, to the listeners of its topic in this process. */
import type { Clock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { MAX_BROKERED_BYTES, MAX_IN_HAND, type Broker, type Listener, type Topic } from './broker.ts';

/** Called with the outcome of a message: its answer, or why there is none. */
type Settle = (answer: string | null, fault: MeshError | null) => void;

/** The listeners of each topic, at all instances of this process. */
export class Topics {
  readonly #ears = new Map<Topic, Set<Ear>>();

  of(topic: Topic): ReadonlySet<Ear> {
    return this.#ears.get(topic) ?? NOBODY;
  }

  add(topic: Topic, ear: Ear): void {
    const ears = this.#ears.get(topic) ?? new Set();
    this.#ears.set(topic, ears);
    ears.add(ear);
  }

  remove(topic: Topic, ear: Ear): void {
    const ears = this.#ears.get(topic);
    ears?.delete(ear);
    if (ears?.size === 0) this.#ears.delete(topic);
  }
}

export class MemoryBroker implements Broker {
  readonly #clock: Clock;
  readonly #topics: Topics;
  readonly #own = new Map<Ear, Topic>();

  constructor(clock: Clock, topics: Topics) {
    this.#clock = clock;
    this.#topics = topics;
  }

  async tell(topic: Topic, message: string): Promise<void> {
    refuseLong(message);
    for (const ear of this.#topics.of(topic)) ear.say(message, () => {});
  }

  async ask(topic: Topic, message: string, withinMs: number): Promise<string | null> {
    refuseLong(message);
    const [ear] = this.#topics.of(topic);
    if (ear === undefined) return null;
    return await new Promise((resolve, reject) => {
      const stop = this.#clock.after(withinMs, () => reject(new MeshError('busy', LATE)));
      ear.say(message, (answer, fault) => {
        stop();
        if (fault === null) resolve(answer);
        else reject(fault);
      });
    });
  }

  async listen(topic: Topic, listener: Listener): Promise<() => Promise<void>> {
    const ear = new Ear(listener);
    this.#own.set(ear, topic);
    this.#topics.add(topic, ear);
    return async () => this.#stop(ear, topic);
  }

  async close(): Promise<void> {
    for (const [ear, topic] of this.#own) this.#stop(ear, topic);
  }

  #stop(ear: Ear, topic: Topic): void {
    ear.open = false;
    this.#own.delete(ear);
    this.#topics.remove(topic, ear);
  }
}

class Ear {
  open = true;
  readonly #listener: Listener;
  #inHand = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** `settle` is called once. */
  say(message: string, settle: Settle): void {
    if (this.#inHand >= MAX_IN_HAND) return settle(null, new MeshError('busy', FULL));
    this.#inHand += 1;
    // Never synchronously: over a network it would not be either.
    queueMicrotask(() => void this.#hand(message, settle));
  }

  async #hand(message: string, settle: Settle): Promise<void> {
    try {
      settle(this.open ? await this.#listener(message) : null, null);
    } catch (thrown) {
      settle(null, asMeshError(thrown, 'busy', FAILED));
    } finally {
      this.#inHand -= 1;
    }
  }
}

const NOBODY: ReadonlySet<Ear> = new Set();
const LATE = 'Another server of this mesh did not answer in time. Try again in a moment.';
const FULL = 'Another server of this mesh has too much to do. Try again in a moment.';
const FAILED = 'Another server of this mesh could not do that. Try again in a moment.';

function refuseLong(message: string): void {
  if (Buffer.byteLength(message) <= MAX_BROKERED_BYTES) return;
  throw new MeshError('message_too_large', `Between servers of a mesh go at most ${MAX_BROKERED_BYTES} bytes at once.`);
}
