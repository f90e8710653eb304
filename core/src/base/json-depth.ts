/** Measures how deep JSON is nested, before code reads it that recurses for each level, or copies all levels at each step. */

import { MeshError } from './errors.ts';

/**
 * The limit for an answer that is held to a schema. For each character llama.cpp copies all levels that it is inside of: at
 * 2,000 levels a character takes it milliseconds.
 */
export const MAX_ANSWER_DEPTH = 64;

/** Some schemas lead back to themselves without end, and so may answers. */
export function tooDeep(): MeshError {
  return new MeshError(
    'bad_schema',
    `This answer nests more than ${MAX_ANSWER_DEPTH} levels deep. Ask with a JSON schema that is flatter.`,
  );
}

/** Measures a text as it comes. */
export class JsonDepth {
  /** The deepest level so far. */
  deepest = 0;
  #depth = 0;
  #inString = false;
  #escaped = false;

  read(text: string): this {
    for (const character of text) {
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        this.#escaped = character === '\\';
        this.#inString = character !== '"';
      } else if (character === '"') this.#inString = true;
      else if (character === '{' || character === '[') {
        this.#depth += 1;
        this.deepest = Math.max(this.deepest, this.#depth);
      } else if (character === '}' || character === ']') this.#depth -= 1;
    }
    return this;
  }
}

/** Null: it is at most `levels` deep; else the top-level key that leads too deep, "" where there is none. */
export function keyOfTooDeep(json: string, levels: number): string | null {
  let depth = 0;
  let key = '';
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') {
      const from = at + 1;
      at = endOfString(json, from);
      // In an object, the last text before a value is its key.
      if (depth === 1) key = json.slice(from, Math.min(at, from + 100));
    } else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > levels) return key;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return null;
}

function endOfString(json: string, from: number): number {
  let at = from;
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
  return at;
}
