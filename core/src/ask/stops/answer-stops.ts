/**
 * Ends an answer before the first stop sequence in what it says. It is the requester that cuts: every provider can be
 * asked, and what is delivered, signed for and paid for stays what the provider wrote.
 */
import { MeshError } from '../../base/errors.ts';
import { wellFormed } from '../../wire/fields.ts';
import { AnswerReader } from '../../syntax/answer-reader.ts';
import { StopScanner } from '../../syntax/stop-scanner.ts';
import { PLAIN, syntaxOf, type Syntax } from '../../syntax/syntaxes.ts';
import { MAX_STOP_CHARACTERS, MAX_STOPS } from './stop-limits.ts';

interface Piece {
  type: 'piece';
  text: string;
  tokenIds: readonly number[] | null;
  logprobs?: readonly unknown[];
  /** How the text is to be read, with the first piece. Left out: all of it is said. */
  syntax?: string;
}

/** What came before the first piece. */
interface Begun {
  text: string;
  syntax?: string | null | undefined;
}

interface Held<Event> {
  event: Event;
  /** The length of all text up to its end, as the model wrote it, and of what is said of that. */
  rawEnd: number;
  saidEnd: number;
}

/** `Event`: what has its place between the words. */
export class AnswerStops<Event extends Piece | { type: 'resumed' }> {
  readonly #stops: readonly string[];
  readonly #prefix: Begun | null;
  #scanner: StopScanner;
  #syntax: Syntax = PLAIN;
  /** Null before the first piece, which says how to read it. */
  #reader: AnswerReader | null = null;
  #raw = '';
  #said = 0;
  /** How much of what is said cannot belong to a stop any more. */
  #free = 0;
  #held: Held<Event>[] = [];

  /** `prefix`: what came before the first piece. A stop may begin in it, but it was given out and is not cut. */
  constructor(stops: readonly string[], prefix: Begun | null) {
    this.#stops = stops;
    this.#prefix = prefix;
    this.#scanner = new StopScanner(stops);
  }

  /** The stop at which it ended; null: none came. */
  get found(): string | null {
    return this.#scanner.found;
  }

  /** Returns what may be given out now. `stopped`: that is all, and nothing more may be pushed. */
  push(event: Event): { events: Event[]; stopped: boolean } {
    const stopped = event.type === 'piece' && this.#read(event);
    this.#held.push({ event, rawEnd: this.#raw.length, saidEnd: this.#said });
    if (stopped) return { events: this.#cut(), stopped };
    let free = 0;
    while (free < this.#held.length && this.#held[free]!.saidEnd <= this.#free) free += 1;
    return { events: this.#held.splice(0, free).map(({ event }) => event), stopped };
  }

  /** What was held back, when nothing more comes. */
  end(): Event[] {
    return this.#held.splice(0).map(({ event }) => event);
  }

  /** True: a stop is complete. */
  #read({ text, syntax }: Piece): boolean {
    this.#reader ??= this.#begin(syntax);
    this.#raw += text;
    for (const part of this.#reader.push(text)) {
      if (part.type !== 'said') {
        // No stop reaches from before a thought or a call to behind it.
        this.#free += this.#scanner.end().length;
        continue;
      }
      const { text: free, stopped } = this.#scanner.push(part.text);
      this.#said += part.text.length;
      this.#free += free.length;
      if (stopped) return true;
    }
    return false;
  }

  #begin(syntax: string | undefined): AnswerReader {
    this.#syntax = syntaxOf(syntax ?? this.#prefix?.syntax ?? undefined) ?? PLAIN;
    const reader = new AnswerReader(this.#syntax);
    const { text = '' } = this.#prefix ?? {};
    this.#raw = text;
    const said = saidOf(reader.push(text));
    this.#said = said.length;
    // Only its end may begin a stop; those that are whole in it ended nothing then.
    const { text: free, stopped } = this.#scanner.push(said.slice(-MAX_STOP_CHARACTERS));
    if (stopped) this.#scanner = new StopScanner(this.#stops);
    const held = stopped ? 0 : Math.min(said.length, MAX_STOP_CHARACTERS) - free.length;
    this.#free = said.length - held;
    return reader;
  }

  /** All that is held, without the stop. Its tokens were written and are owed, so they are still counted. */
  #cut(): Event[] {
    const end = this.#rawEnd();
    return this.#held.splice(0).map(({ event, rawEnd }) => {
      if (event.type !== 'piece' || rawEnd <= end) return event;
      const text = event.text.slice(0, Math.max(0, event.text.length - (rawEnd - end)));
      return Object.assign({ ...event }, { text, tokenIds: null, logprobs: [] });
    });
  }

  /** Where the stop begins in what the model wrote: the reader leaves out marks and thoughts, and may hold text back. */
  #rawEnd(): number {
    let [least, most] = [0, this.#raw.length];
    while (least < most) {
      const middle = Math.ceil((least + most) / 2);
      if (this.#saidOf(middle, false) <= this.#free) least = middle;
      else most = middle - 1;
    }
    while (least > 0 && this.#saidOf(least, true) > this.#free) least -= 1;
    return least;
  }

  /** How much is said in this much of what the model wrote. `whole`: with what the reader would hold back. */
  #saidOf(length: number, whole: boolean): number {
    const reader = new AnswerReader(this.#syntax);
    const said = saidOf(reader.push(this.#raw.slice(0, length))).length;
    return whole ? said + saidOf(reader.end()).length : said;
  }
}

/** Why these cannot be looked for; null: they can. */
export function stopsFault(stops: readonly string[]): MeshError | null {
  if (stops.length > MAX_STOPS) return new MeshError('unsupported', `Name at most ${MAX_STOPS} stop sequences.`);
  const fits = (stop: string) => stop !== '' && stop.length <= MAX_STOP_CHARACTERS && wellFormed(stop) === stop;
  if (stops.every(fits)) return null;
  return new MeshError('unsupported', `A stop sequence has 1 to ${MAX_STOP_CHARACTERS} characters of whole text.`);
}

function saidOf(parts: ReturnType<AnswerReader['push']>): string {
  return parts.map((part) => (part.type === 'said' ? part.text : '')).join('');
}
