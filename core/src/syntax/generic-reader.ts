/** Reads an answer in the form of `generic-form.ts`, as it comes: what is said, and which functions are called. */
import { MAX_CALLS } from '../protocol.ts';
import type { AnswerPart, PartReader } from './answer-part.ts';

const CONTENT = '{"content":"';
const VALUE = '{"value":';
const CALLS = '{"tool_calls":[';
const OPENINGS = [CONTENT, VALUE, CALLS];
/** The whole characters and escapes of a JSON string. */
// eslint-disable-next-line no-control-regex -- JSON has none of these within a string
const STRING_PART = /^(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/;
/** The beginning of an escape that has not come whole. */
const PART_OF_ESCAPE = /^\\(?:u[0-9a-fA-F]{0,3})?$/;
/** The first half of a character that takes two escapes. */
const HALF_PAIR = /\\u[dD][89abAB][0-9a-fA-F]{2}$/;
const CALL = /^\{"name":"([\w.:/-]{1,128})","arguments":/;
const MAX_HEAD_CHARS = 128;

type Reading = 'begin' | 'content' | 'value' | 'call' | 'arguments' | 'end' | 'lost';

/** The grammar puts no white space between tokens, and keys in the order of the schema. Anything else is said as it stands. */
export class GenericReader implements PartReader {
  readonly isThinking = false;
  /** Text that came and has not been read yet. */
  #held = '';
  #reading: Reading = 'begin';
  #calls = 0;
  /** How many brackets of the value are open, and whether we are in a string. */
  #depth = 0;
  #inString = false;

  push(text: string): AnswerPart[] {
    this.#held += text;
    const parts: AnswerPart[] = [];
    for (let part = this.#next(); part !== null; part = this.#next()) if (part !== 'more') parts.push(part);
    return parts;
  }

  end(): AnswerPart[] {
    return [];
  }

  /** Null: more has to come first. */
  #next(): AnswerPart | 'more' | null {
    switch (this.#reading) {
      case 'begin':
        return this.#begin();
      case 'content':
        return this.#content();
      case 'value':
      case 'arguments':
        return this.#json();
      case 'call':
        return this.#call();
      case 'lost':
        return this.#rest();
      case 'end':
        this.#held = '';
        return null;
      default:
        return this.#reading satisfies never;
    }
  }

  #begin(): 'more' | null {
    if (this.#skip(CONTENT)) this.#reading = 'content';
    else if (this.#skip(CALLS)) this.#reading = 'call';
    else if (this.#skip(VALUE)) this.#value('value');
    else if (OPENINGS.some((opening) => opening.startsWith(this.#held))) return null;
    else this.#reading = 'lost';
    return 'more';
  }

  #content(): AnswerPart | 'more' | null {
    const [raw = ''] = STRING_PART.exec(this.#held) ?? [];
    const rest = this.#held.slice(raw.length);
    if (rest.startsWith('"')) this.#reading = 'end';
    else if (rest !== '' && !PART_OF_ESCAPE.test(rest)) this.#reading = 'lost';
    const taken = rest === '' || PART_OF_ESCAPE.test(rest) ? raw.replace(HALF_PAIR, '') : raw;
    this.#held = this.#held.slice(taken.length);
    if (taken !== '') return { type: 'said', text: JSON.parse(`"${taken}"`) as string };
    return this.#reading === 'content' ? null : 'more';
  }

  #call(): AnswerPart | 'more' | null {
    // The end of the previous call, and what stands between two.
    if (this.#skip('}') || this.#skip(',')) return 'more';
    if (this.#held.startsWith(']')) {
      this.#reading = 'end';
      return 'more';
    }
    const head = CALL.exec(this.#held);
    if (head === null || this.#calls === MAX_CALLS) {
      if (this.#held.length <= MAX_HEAD_CHARS && this.#calls < MAX_CALLS) return null;
      this.#reading = 'lost';
      return 'more';
    }
    this.#held = this.#held.slice(head[0].length);
    this.#value('arguments');
    return { type: 'call', index: this.#calls++, name: head[1] ?? '' };
  }

  #value(reading: 'value' | 'arguments'): void {
    this.#reading = reading;
    this.#depth = 0;
    this.#inString = false;
  }

  #json(): AnswerPart | 'more' | null {
    let at = 0;
    let ended = false;
    while (at < this.#held.length && !ended) {
      const c = this.#held[at];
      if (this.#inString && c === '\\') {
        if (at + 1 === this.#held.length) break;
        at += 1;
      } else if (c === '"') this.#inString = !this.#inString;
      else if (!this.#inString && (c === '{' || c === '[')) this.#depth += 1;
      else if (!this.#inString && (c === '}' || c === ']')) {
        // This one belongs to the object around the value.
        if (this.#depth === 0) {
          ended = true;
          break;
        }
        this.#depth -= 1;
        ended = this.#depth === 0;
      }
      at += 1;
    }
    const text = this.#held.slice(0, at);
    this.#held = this.#held.slice(at);
    const isValue = this.#reading === 'value';
    if (ended) this.#reading = isValue ? 'end' : 'call';
    if (text === '') return ended ? 'more' : null;
    return isValue ? { type: 'said', text } : { type: 'arguments', index: this.#calls - 1, text };
  }

  #rest(): AnswerPart | null {
    const text = this.#held;
    this.#held = '';
    return text === '' ? null : { type: 'said', text };
  }

  #skip(prefix: string): boolean {
    if (!this.#held.startsWith(prefix)) return false;
    this.#held = this.#held.slice(prefix.length);
    return true;
  }
}
