/** Which input is being run, written where another thread can read it while the one that runs it hangs. */

/** The most bytes of an input; longer ones would be cut, but nothing that is fuzzed is longer. */
const MAX_BYTES = 1_048_576;
const HEAD_NUMBERS = 4;
const [COUNT, TARGET, LENGTH] = [0, 1, 2];
const NOBODY = -1;

export class InputNote {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #bytes: Uint8Array;

  /** `buffer`: that of another thread's note; left out: a new one. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(HEAD_NUMBERS * 4 + MAX_BYTES);
    this.#head = new Int32Array(this.buffer, 0, HEAD_NUMBERS);
    this.#bytes = new Uint8Array(this.buffer, HEAD_NUMBERS * 4);
    if (buffer === undefined) Atomics.store(this.#head, TARGET, NOBODY);
  }

  begin(target: number, input: Uint8Array): void {
    const kept = input.subarray(0, MAX_BYTES);
    this.#bytes.set(kept);
    Atomics.store(this.#head, LENGTH, kept.byteLength);
    Atomics.store(this.#head, TARGET, target);
    Atomics.add(this.#head, COUNT, 1);
  }

  /** Notes that no input is being run. */
  done(): void {
    Atomics.store(this.#head, TARGET, NOBODY);
    Atomics.add(this.#head, COUNT, 1);
  }

  /** `count`: how many ran before; `target`: null while none is run. */
  get now(): { count: number; target: number | null; input: Uint8Array } {
    const target = Atomics.load(this.#head, TARGET);
    return {
      count: Atomics.load(this.#head, COUNT),
      target: target === NOBODY ? null : target,
      input: this.#bytes.slice(0, Atomics.load(this.#head, LENGTH)),
    };
  }
}
