/** What a screen reader is told: events, never single tokens. */
export class Announcer {
  #text = $state('');

  get text(): string {
    return this.#text;
  }

  say(text: string): void {
    // The same words twice in a row are announced again only when the text differs.
    this.#text = this.#text === text ? `${text}\u00a0` : text;
  }
}
