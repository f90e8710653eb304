/**
 * The port that keeps small things for a while where every instance finds them: tickets and passes, which open
 * something for anyone who shows them, and who has paid for joining. Proved by `suites/vault.ts`; a second adapter
 * keeps them in NATS.
 */
export interface Vault {
  /** Keeps `value` under `key` for this long from now, replacing what was there. */
  put(key: string, value: string, forMs: number): Promise<void>;
  /** Null: the key is unknown or has expired. */
  read(key: string): Promise<string | null>;
  /** Like `read`, but removes it: of all that take it at once, at whichever instances, only one gets it. */
  take(key: string): Promise<string | null>;
}
