/** Parts thoughts from what follows them. They stand at the beginning of an answer: marks further on are talk about marks. */
import type { ThoughtMarks } from './dialects.ts';
import { beforeSpace, begunMark } from './marks.ts';

export interface Parted {
  thought: string;
  /** What comes behind the thoughts, as it was written. */
  rest: string;
}

export class ThoughtsReader {
  readonly #marks: ThoughtMarks | null;
  #reading: 'begin' | 'thought' | 'gap' | 'rest';
  #held = '';
  #hasThoughts = false;

  /** `marks`: null where the model does not think. `begun`: the text begins within the thoughts. */
  constructor(marks: ThoughtMarks | null, begun: boolean) {
    this.#marks = marks;
    this.#reading = marks === null ? 'rest' : begun ? 'thought' : 'begin';
  }

  get isThinking(): boolean {
    return this.#reading === 'thought';
  }

  /** Whether the thoughts are over, or it is clear that there are none. */
  get isOver(): boolean {
    return this.#reading === 'gap' || this.#reading === 'rest';
  }

  push(text: string): Parted {
    this.#held += text;
    const marks = this.#marks;
    let thought = '';
    if (marks !== null && this.#reading === 'begin') this.#begin(marks);
    if (marks !== null && this.#reading === 'thought') thought = this.#thought(marks);
    if (this.#reading === 'gap') {
      this.#held = this.#held.trimStart();
      if (this.#held !== '') this.#reading = 'rest';
    }
    const rest = this.#reading === 'rest' ? this.#take(this.#held.length) : '';
    return { thought, rest };
  }

  /** What was held back, when nothing more comes. */
  end(): Parted {
    const text = this.#take(this.#held.length);
    if (this.#reading === 'thought') return { thought: this.#hasThoughts ? text : text.trimStart(), rest: '' };
    return { thought: '', rest: this.#reading === 'begin' ? text : '' };
  }

  #begin({ open }: ThoughtMarks): void {
    const text = this.#held.trimStart();
    if (text.startsWith(open)) {
      this.#held = text.slice(open.length);
      this.#reading = 'thought';
    } else if (!open.startsWith(text)) this.#reading = 'rest';
  }

  #thought({ close }: ThoughtMarks): string {
    if (!this.#hasThoughts) this.#held = this.#held.trimStart();
    const at = this.#held.indexOf(close);
    if (at !== -1) {
      const thought = this.#take(at).trimEnd();
      this.#take(close.length);
      this.#reading = 'gap';
      return thought;
    }
    const safe = this.#held.length - begunMark(this.#held, [close]);
    const thought = this.#take(beforeSpace(this.#held.slice(0, safe)));
    this.#hasThoughts ||= thought !== '';
    return thought;
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}
