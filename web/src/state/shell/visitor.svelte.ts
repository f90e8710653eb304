/** Whether somebody is at the page, or it has shown what it has: what they may do next is fetched then, and not before. */
export class Visitor {
  #here = $state(false);

  get here(): boolean {
    return this.#here;
  }

  arrive(): void {
    this.#here = true;
  }
}
