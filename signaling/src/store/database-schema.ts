/** The tables of `mesh.db`: what leads from one version to the next, in order. Never changed, only added to. */

/** One row for each lease, with its proof. The ledger posts from here. */
const DELIVERIES = `
  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    lease_nonce BLOB NOT NULL UNIQUE,
    task TEXT NOT NULL,
    requester TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    price INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('acknowledgement', 'receipt')),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    digest BLOB NOT NULL,
    prompt_tokens INTEGER,
    started_ms INTEGER,
    ended_ms INTEGER,
    lease BLOB NOT NULL,
    acknowledgement BLOB,
    provider_half BLOB,
    requester_half BLOB,
    filed_ms INTEGER NOT NULL,
    CHECK ((kind = 'receipt') = (provider_half IS NOT NULL AND requester_half IS NOT NULL)),
    CHECK ((kind = 'acknowledgement') = (acknowledgement IS NOT NULL))
  ) STRICT;`;

/**
 * Old rows are added up, for each peer and day since 1970: day 0 is all that is older. `summed`: of leases of this provider
 * that ended until then there may be nothing but the sums; the provider '' is everybody.
 */
const SUMS = `
  ALTER TABLE delivery ADD COLUMN expires_s INTEGER NOT NULL DEFAULT 0;
  UPDATE delivery SET expires_s = filed_ms / 1000;
  CREATE INDEX delivery_age ON delivery (expires_s);
  CREATE INDEX delivery_provider ON delivery (provider, expires_s);
  CREATE TABLE delivery_sum (
    peer TEXT NOT NULL,
    day INTEGER NOT NULL,
    gave INTEGER NOT NULL DEFAULT 0,
    gave_tokens INTEGER NOT NULL DEFAULT 0,
    got INTEGER NOT NULL DEFAULT 0,
    got_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (peer, day)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE summed (provider TEXT PRIMARY KEY, until_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;`;

export const MIGRATIONS = [DELIVERIES, SUMS] as const;
