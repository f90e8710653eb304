/** One worker, and the calls that wait for it. Every call settles, also when the worker dies. */
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { wrap, type Remote } from 'comlink';
import { valueOf, type Outcome } from './outcome.ts';

export class WorkerHost<Api> {
  readonly #worker: Worker;
  readonly #remote: Remote<Api>;
  readonly #waiting = new Set<(error: Error) => void>();
  #dead: MeshError | null = null;

  /** `stopped`: the error of calls to a worker that stopped on its own, once it had begun. */
  constructor(
    worker: Worker,
    whyNotBegun: () => Promise<MeshError>,
    died: (error: MeshError) => void,
    stopped: () => MeshError = stoppedByItself,
  ) {
    this.#worker = worker;
    this.#remote = wrap<Api>(worker);
    let begun = false;
    worker.addEventListener('message', () => (begun = true), { once: true });
    const die = async () => {
      const error = begun ? stopped() : await whyNotBegun();
      if (this.#dead !== null) return;
      this.#fail(error);
      died(error);
    };
    worker.addEventListener('error', () => void die());
    worker.addEventListener('messageerror', () => void die());
  }

  call<T>(run: (remote: Remote<Api>) => Promise<Outcome<T>>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#dead !== null) {
        reject(this.#dead);
        return;
      }
      this.#waiting.add(reject);
      run(this.#remote)
        .then((outcome) => resolve(valueOf(outcome)))
        .catch(reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  tell(run: (remote: Remote<Api>) => unknown): void {
    if (this.#dead === null) run(this.#remote);
  }

  /** Ends the worker and cancels the calls that wait for it. Idempotent. */
  end(): void {
    if (this.#dead === null) this.#fail(cancelled());
  }

  #fail(error: MeshError): void {
    this.#dead = error;
    this.#worker.terminate();
    for (const reject of this.#waiting) reject(error);
    this.#waiting.clear();
  }
}

function stoppedByItself(): MeshError {
  return new MeshError(
    'engine_failed',
    'The program that runs models stopped on its own; most often this device had no memory left for it. Close other tabs ' +
      'and start again, or choose a smaller model.',
  );
}
