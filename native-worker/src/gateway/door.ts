/** Who may use a gateway, and how often. */
import type { Clock } from '@llmesh/core/base/clock';
import { isLoopback, readHost } from '@llmesh/core/base/host-name';
import { KEY_HEADERS } from '@llmesh/core/base/host-guard';
import { TokenBucket, type Rate } from '@llmesh/core/base/token-bucket';
import { ApiError } from './request/api-error.ts';
import { ownerOf, type ApiKey } from './keys.ts';
import { asksHere, thisMachine, type OwnMachine } from './own-machine.ts';

/** Beyond this, clients that were quiet lately are forgotten, which changes nothing for them. */
const MAX_REMEMBERED = 4_096;

export interface DoorOptions {
  /** The keys that are valid now. Without any from the start, the door is open to programs on this computer. */
  readonly keys: readonly ApiKey[];
  /** Anyone may come in without a key. */
  open: boolean;
  /** A server of ours stands in front and says in X-Forwarded-For who asks. */
  proxied: boolean;
  /** The rate for each key; without keys, for each address. */
  rate: Rate;
  clock: Clock;
  /** The command that makes a key which opens this door. */
  makeKey?: string;
  /** Left out: the computer that this runs on. */
  machine?: OwnMachine;
}

export interface Knock {
  /** The address of the connection. */
  address: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

export class Door {
  readonly #options: DoorOptions;
  readonly #buckets = new Map<string, TokenBucket>();
  /** An owner who takes back the last key does not mean to let everybody in. */
  #needsKey: boolean;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#needsKey = options.keys.length > 0;
  }

  /** Returns who the client counts as. Throws an `ApiError` for one that may not come in, or comes too often. */
  enter(knock: Knock): string {
    const caller = this.#callerOf(knock);
    const bucket = this.#bucketOf(caller);
    if (bucket.take(1)) return caller;
    const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.level) / this.#options.rate.perSecond));
    throw new ApiError({
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      retryAfterSeconds,
      message: `Too many requests. Try again in ${retryAfterSeconds} s.`,
    });
  }

  #callerOf({ address: connected, headers }: Knock): string {
    const { keys, open, proxied, makeKey = 'llmesh key <name>', machine = thisMachine } = this.#options;
    this.#needsKey ||= keys.length > 0;
    const advice = `Its owner can make one with: ${makeKey}`;
    if (this.#needsKey) {
      const shown = keysIn(headers);
      for (const key of shown) {
        const owner = ownerOf(key, keys);
        if (owner !== null) return `key ${owner.name}`;
      }
      if (shown.length > 0) throw refused(`This key does not open this gateway, or no longer does. ${advice}`);
      throw refused(`This gateway wants a key, as "Authorization: Bearer sk-llmesh-…" or "x-api-key: …". ${advice}`);
    }
    const forwarded = proxied ? text(headers['x-forwarded-for'])?.split(',').at(-1)?.trim() : undefined;
    const address = forwarded ?? connected;
    const asker = { address, host: text(headers['host']) ?? '', origin: text(headers['origin']) };
    if (open || asksHere(asker, machine)) return `address ${address}`;
    throw refused(
      `Without a key this gateway answers only programs of its own computer, which ask for localhost or for the name of that computer. A container or another computer needs a key. ${advice}`,
    );
  }

  #bucketOf(caller: string): TokenBucket {
    const known = this.#buckets.get(caller);
    if (known !== undefined) return known;
    if (this.#buckets.size >= MAX_REMEMBERED) {
      for (const [other, bucket] of this.#buckets) if (bucket.full) this.#buckets.delete(other);
    }
    // A flood from ever new addresses shares one.
    const name = this.#buckets.size >= MAX_REMEMBERED ? 'others' : caller;
    const bucket = this.#buckets.get(name) ?? new TokenBucket(this.#options.clock, this.#options.rate);
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

/** `host`: as a `Host` header or an option has it. */
export function isLoopbackHost(host: string): boolean {
  const read = readHost(host) ?? readHost(`[${host}]`);
  return read !== null && isLoopback(read);
}

/** Those that a client shows, in whichever header. */
function keysIn(headers: Knock['headers']): string[] {
  return KEY_HEADERS.flatMap((name) => {
    const form = name === 'authorization' ? /^Bearer +(\S+)$/i : /^(\S+)$/;
    return form.exec(text(headers[name]) ?? '')?.[1] ?? [];
  });
}

/** Where a header came several times, the last one: a server of ours adds its own at the end. */
function text(value: string | string[] | undefined): string | undefined {
  return [value].flat().at(-1)?.trim();
}

function refused(message: string): ApiError {
  return new ApiError({ status: 401, type: 'authentication_error', code: 'invalid_api_key', message });
}
