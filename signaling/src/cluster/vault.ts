/**
 * The port that keeps small things for a while where every instance finds them: tickets and passes, which open something for
 * whoever shows them, and who has paid for joining. Proved by `suites/vault.ts`; a second adapter keeps them in NATS.
 */
export interface Vault {
  /** Keeps `value` under `key` for so long from now, in place of what was there. */
  put(key: string, value: string, forMs: number): Promise<void>;
  /** Null: there is nothing under it, or not any more. */
  read(key: string): Promise<string | null>;
  /** As `read`, and it is gone: of all who take it at once, at whichever instances, one gets it. */
  take(key: string): Promise<string | null>;
}
