/** The tables of `mesh.db`: the steps from one version to the next, in order. Only add to them, never change them. */

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
 * Old rows are added up, per peer and day since 1970: day 0 is all that is older. `summed`: leases of this provider
 * that ended by then may remain only as sums; the provider '' means all providers.
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

/**
 * Tasks are of several kinds, and each counts in its own units. Older rows count as chat: nobody recorded which of them
 * were embeddings.
 */
const KINDS = `
  ALTER TABLE delivery RENAME COLUMN task TO task_id;
  ALTER TABLE delivery RENAME COLUMN tokens TO units;
  ALTER TABLE delivery RENAME COLUMN prompt_tokens TO input_units;
  ALTER TABLE delivery ADD COLUMN task TEXT NOT NULL DEFAULT 'chat';
  CREATE TABLE sum_of_kind (
    peer TEXT NOT NULL,
    day INTEGER NOT NULL,
    task TEXT NOT NULL,
    gave INTEGER NOT NULL DEFAULT 0,
    gave_units INTEGER NOT NULL DEFAULT 0,
    got INTEGER NOT NULL DEFAULT 0,
    got_units INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (peer, day, task)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO sum_of_kind SELECT peer, day, 'chat', gave, gave_tokens, got, got_tokens FROM delivery_sum;
  DROP TABLE delivery_sum;
  ALTER TABLE sum_of_kind RENAME TO delivery_sum;`;

/**
 * Answers that were drawn for audits, and what became of that; how each provider stands with each file, by its key, so
 * that a conviction outlives connections and names; what an auditor's word is worth; what each pair of engines
 * measured; and slashings, which are recorded until there is a ledger to carry them out. Times: milliseconds since 1970.
 */
const AUDITS = `
  CREATE TABLE audit (
    receipt BLOB PRIMARY KEY,
    lease_nonce BLOB NOT NULL UNIQUE,
    draw BLOB NOT NULL,
    provider TEXT NOT NULL,
    requester TEXT NOT NULL,
    model TEXT NOT NULL,
    file TEXT NOT NULL,
    engine TEXT NOT NULL,
    work REAL NOT NULL,
    auditors TEXT NOT NULL,
    networks TEXT NOT NULL,
    drawn_ms INTEGER NOT NULL,
    done_ms INTEGER,
    verdict TEXT CHECK (verdict IN ('agrees', 'deviates', 'unknown')),
    log10_e REAL,
    CHECK ((verdict IS NULL) = (done_ms IS NULL))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX audit_age ON audit (drawn_ms);
  CREATE TABLE audit_report (
    receipt BLOB NOT NULL REFERENCES audit (receipt) ON DELETE CASCADE,
    auditor TEXT NOT NULL,
    digest BLOB NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('agrees', 'deviates', 'unknown')),
    log10_e REAL NOT NULL,
    why TEXT NOT NULL,
    report BLOB,
    filed_ms INTEGER NOT NULL,
    PRIMARY KEY (receipt, auditor)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE standing (
    provider TEXT NOT NULL,
    file TEXT NOT NULL,
    level TEXT NOT NULL CHECK (level IN ('good', 'suspected', 'quarantined', 'convicted')),
    state TEXT NOT NULL,
    model TEXT NOT NULL,
    changed_ms INTEGER NOT NULL,
    PRIMARY KEY (provider, file)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE slashing (
    provider TEXT NOT NULL,
    file TEXT NOT NULL,
    percent INTEGER NOT NULL,
    reason TEXT NOT NULL,
    recorded_ms INTEGER NOT NULL,
    PRIMARY KEY (provider, file, recorded_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE auditor (
    peer TEXT PRIMARY KEY,
    agreed INTEGER NOT NULL,
    against INTEGER NOT NULL,
    abstained INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE engine_pair (
    provider TEXT NOT NULL,
    auditor TEXT NOT NULL,
    mode TEXT NOT NULL,
    file TEXT NOT NULL,
    agrees INTEGER NOT NULL,
    deviates INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    deviation REAL NOT NULL,
    histogram TEXT NOT NULL,
    PRIMARY KEY (provider, auditor, mode, file)
  ) STRICT, WITHOUT ROWID;`;

/**
 * Every change of a delivery has a number, so that the ledger posts each once, in order. `hold`: the seed
 * of its leases; null in rows that are older than the ledger. The ledger: how many events it has
 * and which changes of deliveries it has posted (`ledger_head`, one row); what its projection remembers; its events with
 * what they did, by the peers whom they touch; and their leaves, until the tiles of the log have them.
 */
const LEDGER = `
  ALTER TABLE delivery ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE delivery ADD COLUMN hold BLOB;
  UPDATE delivery SET change = id;
  CREATE INDEX delivery_change ON delivery (change);
  CREATE TABLE last_change (only_row INTEGER PRIMARY KEY CHECK (only_row = 0), change INTEGER NOT NULL) STRICT;
  INSERT INTO last_change SELECT 0, coalesce(max(id), 0) FROM delivery;
  CREATE TABLE ledger_head (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 0),
    size INTEGER NOT NULL,
    posted INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    final INTEGER NOT NULL
  ) STRICT;
  INSERT INTO ledger_head SELECT 0, 0, change, 0, 0 FROM last_change;
  CREATE TABLE ledger_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_event (
    idx INTEGER PRIMARY KEY,
    ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    about TEXT NOT NULL,
    postings TEXT NOT NULL
  ) STRICT;
  CREATE TABLE ledger_leaf (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL) STRICT;
  CREATE TABLE ledger_peer (
    peer TEXT NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (peer, idx)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_proved (peer TEXT PRIMARY KEY, ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;`;

/**
 * What audits lead to in the ledger: events that it does not have yet, and for each slashing the index of its event. No
 * index: it is to be carried out; -1: it never will be.
 */
const AUDIT_DUES = `
  CREATE TABLE audit_due (id INTEGER PRIMARY KEY, event BLOB NOT NULL) STRICT;
  ALTER TABLE slashing ADD COLUMN event INTEGER;
  ALTER TABLE slashing ADD COLUMN undone INTEGER NOT NULL DEFAULT 0;`;

/**
 * Events that were moved into files: the last of each peer is where its history goes on there. And who was seen to be there in
 * the present hour, so that a restart costs nobody its minutes.
 */
const LEDGER_PAST = `
  CREATE TABLE ledger_past (peer TEXT PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE ledger_seen (
    epoch INTEGER NOT NULL,
    peer TEXT NOT NULL,
    network TEXT NOT NULL,
    looks INTEGER NOT NULL,
    PRIMARY KEY (epoch, peer)
  ) STRICT, WITHOUT ROWID;`;

/** A fee is owed to its auditor, and withheld until then: whoever is found to lie before loses it. */
const WITHHELD_FEES = `
  ALTER TABLE audit_due ADD COLUMN auditor TEXT;
  ALTER TABLE audit_due ADD COLUMN from_ms INTEGER NOT NULL DEFAULT 0;`;

/** Who appealed against which conviction, and what became of it: `audit/appeal-office.ts`. */
const APPEALS = `
  CREATE TABLE appeal (
    receipt BLOB PRIMARY KEY,
    provider TEXT NOT NULL,
    file TEXT NOT NULL,
    owner_order BLOB NOT NULL,
    opened_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('open', 'upheld', 'fallen', 'undecided'))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX appeal_of_provider ON appeal (provider, opened_ms);`;

const ALLOWANCES = `
  CREATE TABLE allowance_given (
    network TEXT PRIMARY KEY,
    day INTEGER NOT NULL,
    given INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`;

/** Two stakes where there was one: who had won or lost something has it with both. */
const STAKES = `
  UPDATE standing SET state = json_object(
    'won', json_array(json_extract(state, '$.log10E'), json_extract(state, '$.log10E')),
    'wonByPairs', json_array(json_extract(state, '$.log10Pair'), json_extract(state, '$.log10Pair')),
    'checked', json_extract(state, '$.checked'),
    'agreed', json_extract(state, '$.agreed'));`;

/** Auditors are bet against like providers. Who had been contradicted too often stays suspected: 1.4 is more than log10 of 20. */
const AUDITOR_STAKES = `
  ALTER TABLE auditor ADD COLUMN in_a_row INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE auditor ADD COLUMN won TEXT NOT NULL DEFAULT '[0,0]';
  UPDATE auditor SET won = '[1.4,1.4]' WHERE against > 1 AND against * 10 > agreed + against;`;

/** Copies of models that were found where they should be, until their hour is paid for: `kept-table.ts`. */
const KEPT = `
  CREATE TABLE kept_copy (
    epoch INTEGER NOT NULL,
    keeper TEXT NOT NULL,
    content TEXT NOT NULL,
    network TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    report BLOB NOT NULL,
    PRIMARY KEY (epoch, keeper, content)
  ) STRICT, WITHOUT ROWID;`;

export const MIGRATIONS = [
  DELIVERIES,
  SUMS,
  KINDS,
  AUDITS,
  LEDGER,
  AUDIT_DUES,
  LEDGER_PAST,
  WITHHELD_FEES,
  APPEALS,
  ALLOWANCES,
  STAKES,
  AUDITOR_STAKES,
  KEPT,
] as const;
