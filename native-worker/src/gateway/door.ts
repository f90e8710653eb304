/** Who may use a gateway, and how often. */
import type { Clock } from '@llmesh/core/base/clock';
import { isLoopback, readHost } from '@llmesh/core/base/host-name';
import { TokenBucket, type Rate } from '@llmesh/core/base/token-bucket';
import { ApiError } from './request/api-error.ts';
import { ownerOf, type ApiKey } from './keys.ts';

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
}

export interface Knock {
  /** The address of the connection. */
  address: string;
  host: string | undefined;
  authorization: string | undefined;
  forwardedFor: string | undefined;
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

  #callerOf(knock: Knock): string {
    const { keys, open, proxied, makeKey = 'llmesh key <name>' } = this.#options;
    this.#needsKey ||= keys.length > 0;
    if (this.#needsKey) {
      const [, key = ''] = /^Bearer +(\S+)$/i.exec(knock.authorization ?? '') ?? [];
      const owner = ownerOf(key, keys);
      if (owner !== null) return `key ${owner.name}`;
      if (key === '') throw refused('A key is needed: send "Authorization: Bearer sk-llmesh-…".');
      throw refused('This key opens nothing here. Its owner may have removed it; ask for another.');
    }
    const forwarded = proxied ? knock.forwardedFor?.split(',').at(-1)?.trim() : undefined;
    const address = forwarded ?? knock.address;
    // The name too: a page in a browser on this computer can have a name of its own point here (DNS rebinding).
    if (open || (isLoopbackAddress(address) && isLoopbackHost(knock.host ?? ''))) return `address ${address}`;
    throw refused(
      `Without a key this gateway answers programs on its own computer only, as localhost. Its owner can make one: ${makeKey}`,
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

export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/.test(address);
}

/** `host`: as a `Host` header or an option has it. */
export function isLoopbackHost(host: string): boolean {
  const read = readHost(host) ?? readHost(`[${host}]`);
  return read !== null && isLoopback(read);
}

function refused(message: string): ApiError {
  return new ApiError({ status: 401, type: 'authentication_error', code: 'invalid_api_key', message });
}
