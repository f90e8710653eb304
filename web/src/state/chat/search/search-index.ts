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

  /** The line with the longest of the words: it tells most. */
  line(id: string, words: readonly string[]): FoundLine | null {
    const talk = this.#talks.get(id);
    const word = words.toSorted((a, b) => b.length - a.length)[0];
    if (talk === undefined || word === undefined) return null;
    const at = talk.folded.indexOf(word);
    return at === -1 ? null : foundLine(talk.text, talk.folded, at, word);
  }
}
