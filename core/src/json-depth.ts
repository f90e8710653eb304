/** How deep JSON is nested, before anything that calls itself for each level reads it. */

/** Null: at most `levels` deep; else the key of the whole that leads too deep, "" where it has none. */
export function keyOfTooDeep(json: string, levels: number): string | null {
  let depth = 0;
  let key = '';
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at];
    if (character === '"') {
      const from = at + 1;
      at = endOfString(json, from);
      // In an object, what comes last before a value is its key.
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
