/**
 * An error that nobody caught while wllama loads. wllama 3.8.1 trips over some failures of its module, such as one that could not
 * be fetched, and then waits for ever; nothing else runs in this worker meanwhile.
 */
export class StrayRejection {
  readonly happened: Promise<never>;
  #ignore: () => void = () => {};

  constructor() {
    this.happened = new Promise((_, reject) => {
      const take = (event: PromiseRejectionEvent) => {
        event.preventDefault();
        reject(event.reason);
      };
      globalThis.addEventListener('unhandledrejection', take);
      this.#ignore = () => globalThis.removeEventListener('unhandledrejection', take);
    });
    // Nobody awaits it any more once the model is loaded.
    this.happened.catch(() => {});
  }

  ignore(): void {
    this.#ignore();
  }
}
