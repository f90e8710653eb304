/** Conversations with nothing in them but the number of their turns. */
export class PretendTalks {
  /** By id. */
  readonly kept = new Map<string, number>();
  #made = 0;
  #open = $state.raw(this.#make());
  /** Resolves before `show` opens anything. */
  reading: Promise<void> = Promise.resolve();

  get open() {
    return this.#open;
  }

  async show(id: string): Promise<void> {
    const turns = this.kept.get(id);
    await this.reading;
    if (turns !== undefined) this.#open = this.#make(id, turns);
  }

  startNew(): void {
    this.#open = this.#make();
  }

  ask(): void {
    this.#open.turns.push('question', 'answer');
    this.kept.set(this.#open.id, this.#open.turns.length);
  }

  removeOpen(): void {
    this.kept.delete(this.#open.id);
    this.startNew();
  }

  #make(id = `new${++this.#made}`, turns = 0) {
    const list = $state<string[]>(Array.from({ length: turns }, () => 'turn'));
    return { id, title: `Talk ${id}`, turns: list };
  }
}
