/** Reads one call, or several, from what a model wrote between the marks of its dialect. Null: it is none that can be carried out. */
import { functionName } from '../protocol.ts';
import * as v from 'valibot';
import type { Body } from './dialects.ts';
import { argumentText } from './argument-types.ts';
import { itemsOf, jsonEnd, membersOf, parsedJson } from './json-slices.ts';
import type { Tool } from './tools.ts';

export interface ReadCall {
  name: string;
  /** JSON, an object. */
  arguments: string;
}

const NAME_KEYS = ['name', 'tool_name', 'function_name'];
const ARGUMENT_KEYS = ['arguments', 'parameters', 'args'];
const MARK = /<[^<>]*>|\[[A-Z_]+\]/;
const FENCE = /```(?:json)?\s*$/;

/** `text`: what stands between the marks. `tools`: those that were offered; their parameters tell numbers from texts. */
export function callsIn(text: string, body: Body, tools: readonly Tool[]): ReadCall[] | null {
  const calls = READERS[body](text.trim(), tools);
  const offered = new Set(tools.map(({ name }) => name));
  const isWhole = calls !== null && calls.length > 0 && calls.every(({ name }) => offered.has(name));
  return isWhole ? calls : null;
}

type Reader = (text: string, tools: readonly Tool[]) => ReadCall[] | null;

const READERS: Readonly<Record<Body, Reader>> = {
  json: (text) => {
    const values = text.startsWith('[') ? itemsOf(text) : [text];
    const calls = values?.map(jsonCall);
    return calls === undefined || calls.some((call) => call === null) ? null : (calls as ReadCall[]);
  },
  'named-json': (text) => {
    const at = text.indexOf('{');
    const end = at === -1 ? null : jsonEnd(text, at);
    if (end === null) return null;
    const [first = '', second] = text
      .slice(0, at)
      .replace(FENCE, '')
      .split(MARK)
      .map((part) => part.trim())
      .filter((part) => part !== '');
    const name = (first === 'function' && second !== undefined ? second : first)
      .replace(/^functions\./, '')
      .replace(/:\d+$/, '');
    return called(name, text.slice(at, end));
  },
  'function-tags': (text, tools) => {
    const head = text.indexOf('>');
    if (head === -1) return null;
    const name = text.slice(0, head).trim();
    const values = tagsIn(text.slice(head + 1), '<parameter=', '</parameter>').map(([key, value]): [string, string] => [
      key.trim(),
      argumentText(tools, name, key.trim(), value),
    ]);
    return [{ name, arguments: objectOf(values) }];
  },
  'invoke-tags': (text, tools) => {
    const name = attribute(text, 'name');
    if (name === null) return null;
    const mark = text.includes('<｜DSML｜') ? '｜DSML｜' : '';
    const values: [string, string][] = [];
    for (const [attributes, value] of tagsIn(text, `<${mark}parameter `, `</${mark}parameter>`)) {
      const key = attribute(attributes, 'name');
      if (key === null) return null;
      const isText = attribute(attributes, 'string') === 'true';
      values.push([key, isText ? JSON.stringify(value) : argumentText(tools, name, key, value)]);
    }
    return [{ name, arguments: objectOf(values) }];
  },
  'argument-tags': (text, tools) => {
    const at = text.indexOf('<arg_key>');
    const name = (at === -1 ? text : text.slice(0, at)).trim();
    const values: [string, string][] = [];
    for (let from = at; from !== -1;) {
      const key = between(text, '<arg_key>', '</arg_key>', from);
      const value = key === null ? null : between(text, '<arg_value>', '</arg_value>', key.end);
      if (key === null || value === null) return null;
      values.push([key.text.trim(), argumentText(tools, name, key.text.trim(), value.text)]);
      from = text.indexOf('<arg_key>', value.end);
    }
    return [{ name, arguments: objectOf(values) }];
  },
  'bare-keys': (text) => {
    const at = text.indexOf('{');
    if (at === -1 || !text.startsWith('call:')) return null;
    return called(text.slice('call:'.length, at).trim(), quoted(text.slice(at)));
  },
};

function jsonCall(text: string): ReadCall | null {
  const members = membersOf(text);
  if (members === null) return null;
  const inner = members.get('function');
  if (inner?.startsWith('{') === true) return jsonCall(inner);
  const name = parsedJson(NAME_KEYS.map((key) => members.get(key)).find((one) => one !== undefined) ?? inner ?? '');
  if (typeof name !== 'string') return null;
  const written = ARGUMENT_KEYS.map((key) => members.get(key)).find((one) => one !== undefined) ?? '{}';
  const text_ = parsedJson(written);
  // Some write the arguments as OpenAI does, as a text of JSON.
  const json = typeof text_ === 'string' ? text_ : text_ === null ? '{}' : written;
  return called(name, json)?.[0] ?? null;
}

function called(name: string, json: string): ReadCall[] | null {
  const args = parsedJson(json);
  const isObject = typeof args === 'object' && args !== null && !Array.isArray(args);
  return isObject && v.is(functionName, name) ? [{ name, arguments: json.trim() }] : null;
}

function objectOf(members: readonly [string, string][]): string {
  return `{${members.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}

/** What stands in the heads of these tags, and between them; a line break right inside is not part of it. */
function tagsIn(text: string, open: string, close: string): [head: string, value: string][] {
  const tags: [string, string][] = [];
  for (let at = text.indexOf(open); at !== -1;) {
    const head = text.indexOf('>', at);
    if (head === -1) return tags;
    const next = text.indexOf(open, head);
    const closed = text.indexOf(close, head);
    // Models forget to close the last one.
    const end = closed !== -1 && (next === -1 || closed < next) ? closed : next === -1 ? text.length : next;
    tags.push([text.slice(at + open.length, head), text.slice(head + 1, end).replace(/^\n|\n$/g, '')]);
    at = next;
  }
  return tags;
}

function between(text: string, open: string, close: string, from: number): { text: string; end: number } | null {
  const at = text.indexOf(open, from);
  const end = at === -1 ? -1 : text.indexOf(close, at);
  return end === -1 ? null : { text: text.slice(at + open.length, end), end: end + close.length };
}

function attribute(text: string, name: string): string | null {
  return new RegExp(`(?:^|\\s)${name}="([^"<>]*)"`).exec(text)?.[1] ?? null;
}

const QUOTES = ['<|"|>', '<escape>'];
const BARE_KEY = /\s*([^\s:{}[\],"<>]+)\s*:/y;

/** An object whose keys stand without quotes, and whose texts have quotes of their own, as JSON. */
function quoted(text: string): string {
  let json = '';
  for (let at = 0; at < text.length;) {
    const quote = QUOTES.find((one) => text.startsWith(one, at));
    if (quote !== undefined) {
      const end = text.indexOf(quote, at + quote.length);
      if (end === -1) return '';
      json += JSON.stringify(text.slice(at + quote.length, end));
      at = end + quote.length;
      continue;
    }
    const c = text[at] ?? '';
    json += c;
    at += 1;
    if (c === '"') {
      const end = endOfString(text, at);
      json += text.slice(at, end);
      at = end;
    } else if (c === '{' || c === ',') {
      BARE_KEY.lastIndex = at;
      const key = BARE_KEY.exec(text);
      if (key === null) continue;
      json += `${JSON.stringify(key[1])}:`;
      at = BARE_KEY.lastIndex;
    }
  }
  return json;
}

function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
