/**
 * The calls of functions in a conversation, and which result belongs to which: programs keep them with ids that are missing,
 * that stand twice, or that are longer than anybody needs.
 */
import { JsonDepth, MAX_ANSWER_DEPTH } from '@llmesh/core/base/json-depth';
import { MAX_CALL_ID_CHARS, type Call } from '@llmesh/core/protocol';
import { badRequest } from './api-error.ts';
import { isObject } from './message-content.ts';

const MAX_NAME_CHARACTERS = 64;
const NOT_IN_NAMES = /[^\w-]/g;

interface Called extends Pick<Call, 'id' | 'name'> {
  answered: boolean;
}

export class CallHistory {
  readonly #ids = new Set<string>();
  /** By the ids that the program gave them, by their names, and all in their order. */
  readonly #byId = new Map<string, Called[]>();
  readonly #byName = new Map<string, Called[]>();
  readonly #all: Called[] = [];

  /** The assistant calls a function. Throws an `ApiError` where `name` is none. */
  call(theirId: unknown, name: unknown, json: unknown, at: string): Call {
    const called = { id: this.#idFrom(theirId), name: functionName(name, at), answered: false };
    this.#all.push(called);
    listIn(this.#byName, called.name).push(called);
    if (isGiven(theirId)) listIn(this.#byId, theirId).push(called);
    return { id: called.id, name: called.name, arguments: argumentsOf(json) };
  }

  /**
   * The call that a result answers; null: there is none. A program that forgets the oldest messages may keep a result without
   * its call: the name of the function is enough.
   */
  answer(theirId: unknown, name: unknown, at: string): Pick<Call, 'id' | 'name'> | null {
    const named = isGiven(name) ? functionName(name, at) : null;
    const found = this.#unanswered(theirId, named);
    if (found !== null) {
      found.answered = true;
      return { id: found.id, name: found.name };
    }
    return named === null ? null : { id: this.#idFrom(theirId), name: named };
  }

  /** Where several have one id, or there is none, results come in the order of the calls. */
  #unanswered(theirId: unknown, name: string | null): Called | null {
    let list: readonly Called[];
    if (isGiven(theirId)) list = this.#byId.get(theirId) ?? [];
    else list = name === null ? this.#all : (this.#byName.get(name) ?? []);
    return list.find(({ answered }) => !answered) ?? (isGiven(theirId) ? (list.at(-1) ?? null) : null);
  }

  /** The same conversation gets the same ids each time it is sent. */
  #idFrom(theirs: unknown): string {
    let id = isGiven(theirs) && theirs.length <= MAX_CALL_ID_CHARS ? theirs : '';
    for (let number = this.#ids.size + 1; id === '' || this.#ids.has(id); number++) id = `call_${number}`;
    this.#ids.add(id);
    return id;
  }
}

function isGiven(id: unknown): id is string {
  return typeof id === 'string' && id !== '';
}

function listIn(lists: Map<string, Called[]>, key: string): Called[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** Names from other servers may have dots and colons, which no template expects. */
function functionName(name: unknown, at: string): string {
  if (typeof name === 'string' && name !== '') return name.replace(NOT_IN_NAMES, '_').slice(0, MAX_NAME_CHARACTERS);
  throw badRequest(at, `"${at}" is missing: it is the name of the function.`, 'missing_required_parameter');
}

/** JSON of an object, as every template expects it. What a model left unfinished stands in it as a text. */
function argumentsOf(value: unknown): string {
  if (value === undefined || value === null) return '{}';
  if (typeof value !== 'string') return JSON.stringify(isObject(value) ? value : { value });
  if (value.trim() === '') return '{}';
  const parsed = parsedOf(value);
  if (isObject(parsed)) return value;
  return parsed === null ? '{}' : JSON.stringify(parsed === undefined ? { text: value } : { value: parsed });
}

/** Undefined: it is not JSON, or nested more deeply than any call. */
function parsedOf(json: string): unknown {
  if (new JsonDepth().read(json).deepest > MAX_ANSWER_DEPTH) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
