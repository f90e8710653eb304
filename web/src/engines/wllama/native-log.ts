/** wllama's logger: the only place where llama.cpp says what it runs on and what is wrong with a request. */
import { MeshError } from '@llmesh/core/base/errors';
import type { WllamaLogger } from '@wllama/wllama/esm/index.js';

const OFFLOADED = /offloaded (\d+)\/\d+ layers to GPU/;

export class NativeLog implements WllamaLogger {
  /** How many layers llama.cpp put on the graphics card. */
  offloadedLayers = 0;
  /** The last error that llama.cpp's server answered instead of a result. */
  refusal: { type?: unknown; n_ctx?: unknown; n_prompt_tokens?: unknown } | null = null;
  /** Rejects when the module's worker cannot start. wllama only logs that, and then waits for ever. */
  readonly workerFailed: Promise<never>;
  #fail: (error: MeshError) => void = () => {};

  constructor() {
    this.workerFailed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Nobody awaits this once the model is loaded.
    this.workerFailed.catch(() => {});
  }

  debug = (...args: unknown[]): void => this.#read(args);
  log = (...args: unknown[]): void => this.#read(args);
  warn = (...args: unknown[]): void => this.#read(args);

  error = (...args: unknown[]): void => {
    const [first, second] = args;
    if (first instanceof Event) {
      this.#fail(
        new MeshError('engine_failed', 'The engine could not start in this browser. Reload the page and try again.'),
      );
    } else if (typeof second === 'object' && second !== null) {
      this.refusal = second;
    }
  };

  #read(args: unknown[]): void {
    const [line] = args;
    const found = typeof line === 'string' ? OFFLOADED.exec(line) : null;
    if (found !== null) this.offloadedLayers = Number(found[1]);
  }
}
