/** wllama's logger: the only place where llama.cpp says what it runs on and what is wrong with a request. */
import { MeshError } from '@llmesh/core/base/errors';
import type { WllamaLogger } from '@wllama/wllama/esm/index.js';

const OFFLOADED = /offloaded (\d+)\/\d+ layers to GPU/;
/** What llama.cpp, Emscripten and the browser say when there is no more memory. */
const NO_MEMORY = /(?:failed|unable|not) to allocate|out of memory|bad_alloc|\bOOM\b|enlarge memory|memory allocation/i;

export class NativeLog implements WllamaLogger {
  /** How many layers llama.cpp put on the graphics card. */
  offloadedLayers = 0;
  /** Something in it could not get the memory that it asked for. */
  outOfMemory = false;
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
    this.#read(args);
    const [first, second] = args;
    if (first instanceof Event) {
      this.#fail(
        new MeshError(
          'engine_failed',
          'The program that runs models could not start in this browser. Reload the page and try again; if that does not ' +
            'help, switch off extensions that block scripts.',
        ),
      );
    } else if (typeof second === 'object' && second !== null) {
      this.refusal = second;
    }
  };

  #read(args: unknown[]): void {
    const [line] = args;
    const text = line instanceof Error ? line.message : line;
    if (typeof text === 'string' && NO_MEMORY.test(text)) this.outOfMemory = true;
    const found = typeof line === 'string' ? OFFLOADED.exec(line) : null;
    if (found !== null) this.offloadedLayers = Number(found[1]);
  }
}
