/** Reads an answer that was held to the schema of `tools.ts`, as it comes: what is said, and which functions are called. */

export type ToolPiece =
  /** A piece of what is said. */
  | { type: 'content'; text: string }
  /** A call begins; it is number `index` of this answer. */
  | { type: 'call'; index: number; name: string }
  /** The next piece of its arguments, which are JSON. */
  | { type: 'arguments'; index: number; text: string };

const CONTENT = '{"content":"';
/** What is said has a form of its own. */
const VALUE = '{"value":';
const CALLS = '{"tool_calls":[';
/** The whole characters and escapes of a JSON string. */
const STRING_PART = /^(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/;
/** The first half of a character that takes two escapes. */
const HALF_PAIR = /\\u[dD][89abAB][0-9a-fA-F]{2}$/;
const CALL = /^\{"name":("(?:[^"\\]|\\.)*"),"arguments":/;

/** The grammar puts no white space between tokens, and keys in the order of the schema. */
export class ToolReader {
  /** Text that came and has not been read yet. */
  #held = '';
  #reading: 'begin' | 'content' | 'value' | 'call' | 'arguments' | 'end' = 'begin';
  #calls = 0;
  /** How many brackets of the arguments are open, and whether we are in a string. */
  #depth = 0;
  #inString = false;

  /** Returns what `text` adds. */
  push(text: string): ToolPiece[] {
    this.#held += text;
    const pieces: ToolPiece[] = [];
    for (let piece = this.#next(); piece !== null; piece = this.#next()) if (piece !== 'more') pieces.push(piece);
    return pieces;
  }

  /** Null: more has to come first. */
  #next(): ToolPiece | 'more' | null {
    switch (this.#reading) {
      case 'begin':
        if (this.#skip(CONTENT)) this.#reading = 'content';
        else if (this.#skip(VALUE)) this.#reading = 'value';
        else if (this.#skip(CALLS)) this.#reading = 'call';
        else return null;
        return 'more';
      case 'content':
        return this.#content();
      case 'value':
        return this.#value();
      case 'call':
        return this.#call();
      case 'arguments':
        return this.#arguments();
      case 'end':
        return null;
      default:
        return this.#reading satisfies never;
    }
  }

  #content(): ToolPiece | null {
    const [raw = ''] = STRING_PART.exec(this.#held) ?? [];
    if (this.#held.startsWith('"', raw.length)) this.#reading = 'end';
    const taken = this.#reading === 'end' ? raw : raw.replace(HALF_PAIR, '');
    this.#held = this.#held.slice(taken.length);
    return taken === '' ? null : { type: 'content', text: JSON.parse(`"${taken}"`) as string };
  }

  #call(): ToolPiece | 'more' | null {
    // The end of the previous call, and what stands between two.
    if (this.#skip('}') || this.#skip(',')) return 'more';
    if (this.#held.startsWith(']')) {
      this.#reading = 'end';
      return null;
    }
    const head = CALL.exec(this.#held);
    if (head === null) return null;
    this.#held = this.#held.slice(head[0].length);
    this.#reading = 'arguments';
    this.#depth = 0;
    this.#inString = false;
    return { type: 'call', index: this.#calls++, name: JSON.parse(head[1] ?? '""') as string };
  }

  #value(): ToolPiece | null {
    const { text, ended } = this.#json();
    if (ended) this.#reading = 'end';
    return text === '' ? null : { type: 'content', text };
  }

  #arguments(): ToolPiece | 'more' | null {
    const { text, ended } = this.#json();
    if (ended) this.#reading = 'call';
    return text === '' ? null : { type: 'arguments', index: this.#calls - 1, text };
  }

  /** What there is of a value, up to the bracket of the object that it is in. */
  #json(): { text: string; ended: boolean } {
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
        ended = this.#depth === 0;
        if (ended) break;
        this.#depth -= 1;
      }
      at += 1;
    }
    const text = this.#held.slice(0, at);
    this.#held = this.#held.slice(at);
    return { text, ended };
  }

  #skip(prefix: string): boolean {
    if (!this.#held.startsWith(prefix)) return false;
    this.#held = this.#held.slice(prefix.length);
    return true;
  }
}
