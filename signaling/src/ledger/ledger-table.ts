/** The ledger in `mesh.db`, for a single instance. */
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Posting } from '@llmesh/core/ledger/posting';
import type { StateValue } from '@llmesh/core/ledger/state';
import type { MeshDatabase } from '../store/mesh-database.ts';
import { touchedBy } from './touched.ts';
import type { LedgerBatch, LedgerEntry, LedgerHead, LedgerStore, SeenRow } from './ledger-store.ts';

interface StateRow {
  key: string;
  value: string;
}

interface EntryRow {
  idx: number;
  ms: number;
  kind: LedgerEntry['kind'];
  about: string;
  postings: string;
}

/** Pages of 4 KiB each, returned to the disk in one go. */
const SHRINK_PAGES = 500;
const HEAD = 'SELECT size, posted, last_ms AS lastMs, final FROM ledger_head';
const ENTRY = 'SELECT e.idx, e.ms, e.kind, e.about, e.postings FROM ledger_event e';
/** Past every key that begins like this: no key has this character, the last of the basic plane. */
const LAST = '\uffff';

export class LedgerTable implements LedgerStore {
  readonly #db: MeshDatabase;
  readonly #sql: ReturnType<typeof prepared>;

  /** Whoever opened the database closes it. */
  constructor(db: MeshDatabase) {
    this.#db = db;
    this.#sql = prepared(db);
  }

  async head(): Promise<LedgerHead> {
    return this.#head();
  }

  async read(keys: readonly string[]): Promise<Map<string, StateValue>> {
    return valuesIn(this.#sql.read.all([JSON.stringify(keys)]));
  }

  async readAll(prefix: string): Promise<Map<string, StateValue>> {
    return valuesIn(this.#sql.readAll.all([prefix, `${prefix}${LAST}`]));
  }

  async forget(from: string, to: string, most: number): Promise<void> {
    // Most days there is nothing: then nothing is written either.
    if (this.#sql.anyBetween.all([from, to]).length === 0) return;
    await this.#db.write(() => this.#sql.forgetBetween.run([from, to, most]));
  }

  async append({ from, head, entries, state }: LedgerBatch): Promise<void> {
    const sql = this.#sql;
    await this.#db.write(() => {
      if ((sql.headNow.all() as LedgerHead[])[0]!.size !== from)
        throw new MeshError('busy', 'Another process writes this ledger. Stop one of the two.');
      if (entries.length > 0) this.#put(entries);
      const [kept, gone] = parted(state);
      if (kept.length > 0) sql.put.run([JSON.stringify(kept)]);
      if (gone.length > 0) sql.forget.run([JSON.stringify(gone)]);
      sql.setHead.run([head.size, head.posted, head.lastMs, head.final]);
    });
  }

  async setFinal(size: number): Promise<void> {
    await this.#db.write(() => this.#sql.setFinal.run([size]));
  }

  async leaves(from: number, to: number): Promise<Uint8Array[]> {
    const rows = this.#sql.leaves.all([from, to]) as { leaf: ArrayBuffer }[];
    if (rows.length !== Math.max(0, to - from))
      throw new MeshError('storage_full', `The ledger no longer has all leaves from ${from} to ${to}: read the tiles.`);
    return rows.map(({ leaf }) => new Uint8Array(leaf));
  }

  async entries(from: number, most: number): Promise<LedgerEntry[]> {
    return (this.#sql.entries.all([from, most]) as EntryRow[]).map(entryIn);
  }

  async history(peer: PeerId, before: number, most: number): Promise<LedgerEntry[]> {
    return (this.#sql.history.all([peer, before, most]) as EntryRow[]).map(entryIn);
  }

  async past(peers: readonly PeerId[]): Promise<Map<PeerId, number>> {
    const rows = this.#sql.past.all([JSON.stringify(peers)]) as { peer: PeerId; idx: number }[];
    return new Map(rows.map(({ peer, idx }) => [peer, idx]));
  }

  async prune(
    below: { leaves: number; entries: number },
    most: number,
    past: ReadonlyMap<PeerId, number> = new Map(),
  ): Promise<void> {
    const { leaf, entry } = this.#oldest();
    const [leaves, entries] = [Math.min(below.leaves, leaf + most), Math.min(below.entries, entry + most)];
    if (leaves <= leaf && entries <= entry) return;
    await this.#db.write(() => {
      this.#sql.pruneLeaves.run([leaves]);
      const forgotten = this.#sql.entries.all([entry, Math.max(0, entries - entry)]) as EntryRow[];
      for (const { index, postings } of forgotten.map(entryIn))
        for (const peer of touchedBy(postings)) this.#sql.prunePeer.run([peer, index]);
      this.#sql.pruneEvents.run([entries]);
      if (past.size > 0) this.#sql.setPast.run([JSON.stringify([...past])]);
    });
    await this.#db.shrink(SHRINK_PAGES);
  }

  async oldest(): Promise<{ leaf: number; entry: number }> {
    return this.#oldest();
  }

  async proved(sinceMs: number): Promise<Map<PeerId, number>> {
    const rows = this.#sql.proved.all([sinceMs]) as { peer: PeerId; ms: number }[];
    return new Map(rows.map(({ peer, ms }) => [peer, ms]));
  }

  async setProved(proved: ReadonlyMap<PeerId, number>): Promise<void> {
    await this.#db.write(() => {
      for (const [peer, ms] of proved) this.#sql.setProved.run([peer, ms]);
    });
  }

  async seen(): Promise<SeenRow[]> {
    return this.#sql.seen.all() as SeenRow[];
  }

  async setSeen(rows: readonly SeenRow[]): Promise<void> {
    const values = rows.map(({ epoch, peer, network, looks }) => [epoch, peer, network, looks]);
    await this.#db.write(() => this.#sql.setSeen.run([JSON.stringify(values)]));
  }

  async forgetSeen(epoch: number): Promise<void> {
    await this.#db.write(() => this.#sql.forgetSeen.run([epoch]));
  }

  /** Row by row: SQLite takes longer to read them from one long text than to be called for each. */
  #put(entries: LedgerBatch['entries']): void {
    const { putEvent, putPeer, putLeaf } = this.#sql;
    for (const { index, ms, kind, about, postings, leaf } of entries) {
      const rows = postings.map(({ account, amount, reason }) => [account, amount, reason]);
      putEvent.run([index, ms, kind, JSON.stringify(about), JSON.stringify(rows)]);
      for (const peer of touchedBy(postings)) putPeer.run([peer, index]);
      putLeaf.run([index, Buffer.from(leaf.buffer, leaf.byteOffset, leaf.byteLength)]);
    }
  }

  #head(): LedgerHead {
    return (this.#sql.head.all() as LedgerHead[])[0]!;
  }

  #oldest(): { leaf: number; entry: number } {
    const { size } = this.#head();
    const [row] = this.#sql.oldest.all() as { leaf: number | null; entry: number | null }[];
    return { leaf: row?.leaf ?? size, entry: row?.entry ?? size };
  }
}

function prepared(db: MeshDatabase) {
  return {
    head: db.prepare(HEAD),
    headNow: db.prepareWrite(HEAD),
    setHead: db.prepareWrite('UPDATE ledger_head SET size = ?, posted = ?, last_ms = ?, final = max(final, ?)'),
    setFinal: db.prepareWrite('UPDATE ledger_head SET final = max(final, ?)'),
    read: db.prepare('SELECT key, value FROM ledger_state WHERE key IN (SELECT value FROM json_each(?))'),
    readAll: db.prepare('SELECT key, value FROM ledger_state WHERE key >= ? AND key < ? ORDER BY key'),
    put: db.prepareWrite(
      `INSERT INTO ledger_state (key, value) SELECT value ->> 0, value -> 1 FROM json_each(?) WHERE true
       ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    ),
    anyBetween: db.prepare('SELECT 1 FROM ledger_state WHERE key >= ? AND key < ? LIMIT 1'),
    forgetBetween: db.prepareWrite(
      'DELETE FROM ledger_state WHERE key IN (SELECT key FROM ledger_state WHERE key >= ? AND key < ? LIMIT ?)',
    ),
    forget: db.prepareWrite('DELETE FROM ledger_state WHERE key IN (SELECT value FROM json_each(?))'),
    putEvent: db.prepareWrite('INSERT INTO ledger_event (idx, ms, kind, about, postings) VALUES (?, ?, ?, ?, ?)'),
    putPeer: db.prepareWrite('INSERT INTO ledger_peer (peer, idx) VALUES (?, ?)'),
    putLeaf: db.prepareWrite('INSERT INTO ledger_leaf (idx, leaf) VALUES (?, ?)'),
    leaves: db.prepare('SELECT leaf FROM ledger_leaf WHERE idx >= ? AND idx < ? ORDER BY idx'),
    entries: db.prepare(`${ENTRY} WHERE e.idx >= ? ORDER BY e.idx LIMIT ?`),
    history: db.prepare(
      `${ENTRY} JOIN ledger_peer p ON p.idx = e.idx WHERE p.peer = ? AND p.idx < ? ORDER BY p.idx DESC LIMIT ?`,
    ),
    pruneLeaves: db.prepareWrite('DELETE FROM ledger_leaf WHERE idx < ?'),
    pruneEvents: db.prepareWrite('DELETE FROM ledger_event WHERE idx < ?'),
    prunePeer: db.prepareWrite('DELETE FROM ledger_peer WHERE peer = ? AND idx = ?'),
    past: db.prepare('SELECT peer, idx FROM ledger_past WHERE peer IN (SELECT value FROM json_each(?))'),
    setPast: db.prepareWrite(
      `INSERT INTO ledger_past (peer, idx) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true
       ON CONFLICT (peer) DO UPDATE SET idx = excluded.idx`,
    ),
    oldest: db.prepare(
      'SELECT (SELECT min(idx) FROM ledger_leaf) AS leaf, (SELECT min(idx) FROM ledger_event) AS entry',
    ),
    proved: db.prepare('SELECT peer, ms FROM ledger_proved WHERE ms >= ?'),
    setProved: db.prepareWrite(
      'INSERT INTO ledger_proved (peer, ms) VALUES (?, ?) ON CONFLICT (peer) DO UPDATE SET ms = max(ms, excluded.ms)',
    ),
    seen: db.prepare('SELECT epoch, peer, network, looks FROM ledger_seen'),
    setSeen: db.prepareWrite(
      `INSERT INTO ledger_seen (epoch, peer, network, looks)
       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
       ON CONFLICT (epoch, peer) DO UPDATE SET looks = excluded.looks`,
    ),
    forgetSeen: db.prepareWrite('DELETE FROM ledger_seen WHERE epoch = ?'),
  };
}

function parted(state: LedgerBatch['state']): [kept: [string, StateValue][], gone: string[]] {
  const [kept, gone]: [[string, StateValue][], string[]] = [[], []];
  for (const [key, value] of state) {
    if (value === undefined) gone.push(key);
    else kept.push([key, value]);
  }
  return [kept, gone];
}

function valuesIn(rows: unknown[]): Map<string, StateValue> {
  return new Map((rows as StateRow[]).map(({ key, value }) => [key, JSON.parse(value) as StateValue]));
}

function entryIn({ idx: index, ms, kind, about, postings }: EntryRow): LedgerEntry {
  const rows = JSON.parse(postings) as [Posting['account'], number, Posting['reason']][];
  const read = rows.map(([account, amount, reason]) => ({ account, amount, reason }));
  return { index, ms, kind, about: JSON.parse(about) as LedgerEntry['about'], postings: read };
}
