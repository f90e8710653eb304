/** All that was said in all conversations, in memory, ready to be searched: a few million letters take a few milliseconds. */
import { fold } from './fold.ts';
import { foundLine, type FoundLine } from './found-line.ts';

interface Indexed {
  text: string;
  folded: string;
}

export class SearchIndex {
  readonly #talks = new Map<string, Indexed>();

  /** `texts`: its title and what was said in it. */
  take(id: string, texts: readonly string[]): void {
    const text = texts.join('\n');
    this.#talks.set(id, { text, folded: fold(text) });
  }

  drop(id: string): void {
    this.#talks.delete(id);
  }

  /** Whether each of these folded words is in it; null: it was not read yet. */
  has(id: string, words: readonly string[]): boolean | null {
    const talk = this.#talks.get(id);
    return talk === undefined ? null : words.every((word) => talk.folded.includes(word));
  }

  /** The line with the words as they were typed, else with the longest of them: it tells most. */
  line(id: string, words: readonly string[]): FoundLine | null {
    const talk = this.#talks.get(id);
    if (talk === undefined) return null;
    for (const sought of [words.join(' '), ...words.toSorted((a, b) => b.length - a.length).slice(0, 1)]) {
      const at = sought === '' ? -1 : talk.folded.indexOf(sought);
      if (at !== -1) return foundLine(talk.text, talk.folded, at, sought);
    }
    return null;
  }
}
