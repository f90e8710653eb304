/** Donating with nothing in it but the switch and the model. */
import type { ModelId } from '@llmesh/core/base/ids';

export class PretendDonating {
  /** The models with which it was started. */
  readonly started: (ModelId | null)[] = [];
  #model = $state.raw<ModelId | null>(null);
  #on = $state(false);
  #chosen: ModelId | null = null;

  readonly device = { choose: (id: ModelId) => void (this.#chosen = id) };

  get on(): boolean {
    return this.#on;
  }

  get lent() {
    return this.#model === null ? null : { model: { id: this.#model } };
  }

  async start(): Promise<void> {
    this.started.push(this.#chosen);
    this.#on = true;
    this.#model = this.#chosen;
  }

  begin(model: ModelId): void {
    this.#on = true;
    this.#model = model;
  }

  end(): void {
    this.#on = false;
    this.#model = null;
  }
}
