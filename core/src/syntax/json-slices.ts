/** Parts of JSON as they were written: parsing and printing again would change long numbers, and the order of keys. */

const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;
const SCALAR = /[^\s,\]}]+/y;
const SPACE = /\s*/y;

/** Follows text that comes in pieces to the end of its first object or list. */
export class JsonEnd {
  #at: number;
  #depth = 0;
  #inString = false;

  /** `at`: where in the text to begin. */
  constructor(at: number) {
    this.#at = at;
  }

  /** The place behind its last bracket; null: that has not come. `text`: all of it that has come. */
  in(text: string): number | null {
    for (; this.#at < text.length; this.#at += 1) {
      const c = text[this.#at];
      if (this.#inString) {
        if (c === '\\') {
          // The next character may not have come.
          if (this.#at + 1 >= text.length) return null;
          this.#at += 1;
        } else if (c === '"') this.#inString = false;
      } else if (c === '"') this.#inString = true;
      else if (c === '{' || c === '[') this.#depth += 1;
      else if (c === '}' || c === ']') {
        this.#depth -= 1;
        if (this.#depth <= 0) return this.#at + 1;
      }
    }
    return null;
  }
}

/** Where the first value of `text` ends; null: it has no whole object or list. */
export function jsonEnd(text: string, at = 0): number | null {
  return new JsonEnd(at).in(text);
}

/** The members of an object as they were written; null: it is none, or not JSON. */
export function membersOf(json: string): Map<string, string> | null {
  const parsed = parsedJson(json);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
  const members = new Map<string, string>();
  const slices = slicesOf(json);
  for (let i = 0; i + 1 < slices.length; i += 2)
    members.set(JSON.parse(slices[i] ?? '""') as string, slices[i + 1] ?? '');
  return members;
}

/** The items of a list as they were written; null: it is none, or not JSON. */
export function itemsOf(json: string): string[] | null {
  return Array.isArray(parsedJson(json)) ? slicesOf(json) : null;
}

/** The value; undefined: it is not JSON. */
export function parsedJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** Keys and values, or items, of what is known to be an object or a list. */
function slicesOf(json: string): string[] {
  const slices: string[] = [];
  let at = past(SPACE, json, 0) + 1;
  for (;;) {
    at = past(SPACE, json, at);
    const c = json[at];
    if (c === undefined || c === '}' || c === ']') return slices;
    if (c === ',' || c === ':') {
      at += 1;
      continue;
    }
    const end =
      c === '"' ? past(STRING, json, at) : c === '{' || c === '[' ? jsonEnd(json, at) : past(SCALAR, json, at);
    if (end === null || end === at) return slices;
    slices.push(json.slice(at, end));
    at = end;
  }
}

function past(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return at + (pattern.exec(text)?.[0].length ?? 0);
}
