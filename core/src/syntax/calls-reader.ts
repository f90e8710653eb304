/** Reads what a model says and calls, in its own dialect. What cannot be read as a call is said as it stands. */
import { MAX_CALLS, MAX_PREFIX_CHARACTERS } from '../protocol.ts';
import type { AnswerPart, PartReader } from './answer-part.ts';
import { callsIn } from './call-bodies.ts';
import type { Dialect } from './dialects.ts';
import { JsonEnd } from './json-slices.ts';
import { beforeSpace, begunMark, firstMark } from './marks.ts';
import type { Tool } from './tools.ts';

/** What stands before the JSON of a call: a name and some marks. */
const MAX_HEAD_CHARS = 512;
/** How a call without a mark begins. */
const BARE_BEGINNINGS = ['{"name"', '{"type"', '{"function"', '{"parameters"', '{"arguments"'];
const SPACE = /\s+/g;

/** A call that has not come whole. */
interface Open {
  mark: string;
  json: JsonEnd | null;
  /** How much of the text was searched for the mark that closes it. */
  searched: number;
}

export class CallsReader implements PartReader {
  readonly isThinking = false;
  readonly #dialect: Dialect;
  readonly #tools: readonly Tool[];
  #held = '';
  #open: Open | null = null;
  /** Nothing but calls came so far. */
  #onlyCalls = true;
  #afterCall = false;
  #calls = 0;

  constructor(dialect: Dialect, tools: readonly Tool[]) {
    this.#dialect = dialect;
    this.#tools = tools;
  }

  /** Whether a call has begun and is not whole. */
  get isCalling(): boolean {
    return this.#open !== null;
  }

  /** The call that has begun, as far as it was written. */
  get open(): string {
    return this.#open === null ? '' : this.#held;
  }

  push(text: string): AnswerPart[] {
    this.#held += text;
    const parts: AnswerPart[] = [];
    for (let more = true; more;) more = this.#open === null ? this.#speech(parts) : this.#call(this.#open, parts);
    return parts;
  }

  end(): AnswerPart[] {
    const parts: AnswerPart[] = [];
    if (this.#open === null) this.#say(this.#take(this.#held.length), parts);
    // Models end an answer without the mark that closes the last call.
    else this.#close(this.#open, this.#held.length, 0, parts);
    return parts;
  }

  /** Returns whether there is more to read. */
  #speech(parts: AnswerPart[]): boolean {
    const { opens, ignores, bare = false } = this.#dialect;
    if (this.#afterCall) this.#held = this.#held.replace(bare ? /^[\s;]+/ : /^\s+/, '');
    if (bare && this.#onlyCalls && this.#held !== '') {
      const text = this.#held.slice(0, MAX_HEAD_CHARS).replace(SPACE, '');
      if (BARE_BEGINNINGS.some((beginning) => text.startsWith(beginning))) return this.#begin('', 0);
      if (BARE_BEGINNINGS.some((beginning) => beginning.startsWith(text)) && this.#held.length < MAX_HEAD_CHARS)
        return false;
    }
    const marks = [...opens, ...ignores];
    const found = firstMark(this.#held, marks);
    if (found !== null) {
      const before = this.#take(found.at);
      this.#say(before.slice(0, beforeSpace(before)), parts);
      if (opens.includes(found.mark)) return this.#begin(found.mark, found.mark.length);
      this.#take(found.mark.length);
      this.#afterCall = true;
      return true;
    }
    const safe = this.#held.length - begunMark(this.#held, marks);
    this.#say(this.#take(beforeSpace(this.#held.slice(0, safe))), parts);
    return false;
  }

  #begin(mark: string, searched: number): true {
    this.#open = { mark, json: null, searched };
    return true;
  }

  #call(open: Open, parts: AnswerPart[]): boolean {
    const end = this.#dialect.closes.length > 0 ? this.#closedAt(open) : this.#jsonEndsAt(open);
    if (end === null) {
      if (this.#held.length > MAX_PREFIX_CHARACTERS) this.#give(this.#held.length, parts);
      return false;
    }
    if (end === 'none') {
      this.#give(Math.max(open.mark.length, 1), parts);
      return true;
    }
    this.#close(open, end.at, end.mark.length, parts);
    return true;
  }

  #closedAt(open: Open): { at: number; mark: string } | null {
    const { closes } = this.#dialect;
    const from = Math.max(open.mark.length, open.searched - Math.max(...closes.map(({ length }) => length)));
    const found = firstMark(this.#held.slice(from), closes);
    open.searched = this.#held.length;
    return found === null ? null : { ...found, at: found.at + from };
  }

  /** `none`: there is no JSON where it should be. */
  #jsonEndsAt(open: Open): { at: number; mark: '' } | 'none' | null {
    if (open.json === null) {
      const at = this.#held
        .slice(0, open.mark.length + MAX_HEAD_CHARS)
        .slice(open.mark.length)
        .search(/[{[]/);
      const head = this.#held.slice(open.mark.length, at === -1 ? undefined : open.mark.length + at);
      const isNamed = this.#dialect.body === 'named-json';
      if (!isNamed && head.trim() !== '') return 'none';
      if (at === -1) return head.length >= MAX_HEAD_CHARS ? 'none' : null;
      if (isNamed) return this.#namedJson(open);
      open.json = new JsonEnd(open.mark.length + at);
    }
    const end = open.json.in(this.#held);
    return end === null ? null : { at: end, mark: '' };
  }

  /** Marks in brackets may stand before the JSON, which is an object. */
  #namedJson(open: Open): { at: number; mark: '' } | 'none' | null {
    const at = this.#held.slice(open.mark.length, open.mark.length + MAX_HEAD_CHARS).indexOf('{');
    if (at === -1) return this.#held.length - open.mark.length >= MAX_HEAD_CHARS ? 'none' : null;
    open.json = new JsonEnd(open.mark.length + at);
    const end = open.json.in(this.#held);
    return end === null ? null : { at: end, mark: '' };
  }

  #close({ mark }: Open, at: number, closeLength: number, parts: AnswerPart[]): void {
    const calls = callsIn(this.#held.slice(mark.length, at), this.#dialect.body, this.#tools);
    this.#open = null;
    if (calls === null || this.#calls + calls.length > MAX_CALLS) {
      this.#say(this.#take(at + closeLength), parts);
      return;
    }
    this.#take(at + closeLength);
    this.#afterCall = true;
    for (const { name, arguments: text } of calls) {
      const index = this.#calls++;
      parts.push({ type: 'call', index, name }, { type: 'arguments', index, text });
    }
  }

  /** It is no call after all: this much of it is said. */
  #give(length: number, parts: AnswerPart[]): void {
    this.#open = null;
    this.#say(this.#take(length), parts);
  }

  #say(said: string, parts: AnswerPart[]): void {
    if (said === '') return;
    this.#onlyCalls = false;
    this.#afterCall = false;
    parts.push({ type: 'said', text: said });
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return taken;
  }
}
