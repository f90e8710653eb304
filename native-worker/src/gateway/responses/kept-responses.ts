/**
 * The latest responses, so that a next request can name one instead of sending all of it again. They are in memory only, for an
 * hour, and for the caller who asked for them: nobody else learns even that an id exists.
 */
import type { Clock } from '@llmesh/core/base/clock';
import { ApiError } from '../request/api-error.ts';
import type { ToldMessage } from '../request/retold.ts';
import type { WrittenResponse } from './response-head.ts';
import type { Earlier } from './response-request.ts';

const KEPT_MS = 3_600_000;
/** One caller may not push out those of all others. */
const MAX_CHARS_OF_ONE = 16_777_216;
const MAX_CHARS = 4 * MAX_CHARS_OF_ONE;
const MAX_OF_ONE = 512;

export interface KeptResponse {
  response: WrittenResponse;
  /** The items of its request. */
  input: readonly unknown[];
  /** All that was said up to its end, without instructions. */
  conversation: readonly ToldMessage['message'][];
}

interface Entry extends KeptResponse {
  caller: string;
  chars: number;
  atMs: number;
}

export class KeptResponses {
  /** By id; the oldest comes first. */
  readonly #entries = new Map<string, Entry>();
  /** The responses of all kept items, by the ids of these. */
  readonly #entryOf = new Map<string, Entry>();
  readonly #clock: Clock;
  #chars = 0;
  #isWaiting = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(caller: string, kept: KeptResponse): void {
    const chars = JSON.stringify([kept.response, kept.input, kept.conversation]).length;
    if (chars > MAX_CHARS_OF_ONE) return;
    const own = [...this.#entries.values()].filter((entry) => entry.caller === caller);
    let [left, ownChars] = [own.length, own.reduce((sum, entry) => sum + entry.chars, chars)];
    for (const entry of own) {
      if (left < MAX_OF_ONE && ownChars <= MAX_CHARS_OF_ONE) break;
      this.#forget(entry);
      left -= 1;
      ownChars -= entry.chars;
    }
    for (const entry of this.#entries.values()) {
      if (this.#chars + chars <= MAX_CHARS) break;
      this.#forget(entry);
    }
    const entry = { ...kept, caller, chars, atMs: this.#clock.now() };
    this.#entries.set(kept.response.id, entry);
    for (const { id } of kept.response.output) if (id !== undefined) this.#entryOf.set(id, entry);
    this.#chars += chars;
    this.#setTimer();
  }

  /** Throws an `ApiError` for an id that this caller knows nothing by. */
  find(caller: string, id: string): KeptResponse {
    const entry = this.#entries.get(id);
    if (entry?.caller === caller) return entry;
    throw missing(id, 404, null);
  }

  /** Throws an `ApiError` for an id that this caller knows nothing by. */
  remove(caller: string, id: string): void {
    this.find(caller, id);
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#forget(entry);
  }

  /** What this caller may refer to. */
  earlier(caller: string): Earlier {
    return {
      conversation: (id) => {
        const entry = this.#entries.get(id);
        if (entry?.caller !== caller) throw missing(id, 400, 'previous_response_id');
        return entry.conversation;
      },
      item: (id) => {
        const entry = this.#entryOf.get(id);
        return entry?.caller === caller ? (entry.response.output.find((item) => item.id === id) ?? null) : null;
      },
    };
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.response.id);
    for (const { id } of entry.response.output) if (id !== undefined) this.#entryOf.delete(id);
    this.#chars -= entry.chars;
  }

  /** Words of people leave the memory in time, also where nobody asks any more. */
  #setTimer(): void {
    const [oldest] = this.#entries.values();
    if (this.#isWaiting || oldest === undefined) return;
    this.#isWaiting = true;
    this.#clock.after(oldest.atMs + KEPT_MS - this.#clock.now(), () => {
      this.#isWaiting = false;
      for (const entry of this.#entries.values()) {
        if (this.#clock.now() - entry.atMs >= KEPT_MS) this.#forget(entry);
      }
      this.#setTimer();
    });
  }
}

function missing(id: string, status: number, param: string | null): ApiError {
  const message = `No response with the id "${id.slice(0, 64)}" is kept here. Responses are kept for an hour, and for the key that asked; "store": false keeps none. Send the conversation itself.`;
  const code = param === null ? 'response_not_found' : 'previous_response_not_found';
  return new ApiError({ status, type: 'invalid_request_error', code, message, param });
}
