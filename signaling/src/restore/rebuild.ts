/**
 * Makes the events that `mesh.db` lacks again from the log: all of them where the file is lost, the newest where an older one was
 * brought back. Each is the one that the log has signed, and does what it did.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { sameBytes } from '@llmesh/core/wire/canonical';
import { MAX_EVENT_BYTES, readEvent, type LedgerEvent } from '@llmesh/core/ledger/event';
import { readEvidence } from '@llmesh/core/ledger/evidence';
import { LogError } from '@llmesh/log/base/log-error';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { readCheckpoint } from '@llmesh/log/note/checkpoint';
import type { NoteKey } from '@llmesh/log/note/key';
import { openNote, readNote } from '@llmesh/log/note/note';
import { VerifiedTree } from '@llmesh/log/read/verified-tree';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { Past } from '../ledger/past/past.ts';
import { Projector, type Asked, type Result } from '../ledger/projector.ts';
import { LEDGER_LIMITS, sweep, type LedgerLimits } from '../ledger/upkeep.ts';
import { broken, readSigned } from '../log/log-writer.ts';
import { logFiles, logSigner, pastFiles } from '../log/open-log.ts';
import { readTile } from '../log/tile-store.ts';
import { KEY_FILE, openControlKey } from '../receipts/control-key.ts';
import { MeshDatabase } from '../store/mesh-database.ts';

/** Events that are written in one go. */
const AT_ONCE = 1_024;
/** Events at the end of what there is that are compared with the log. */
const COMPARED = 256;

export interface RebuildOptions {
  readonly dataFolder: string;
  readonly limits?: Partial<LedgerLimits>;
  /** So many of so many events are there again. */
  readonly progress?: (events: number, of: number) => void;
}

export interface Rebuilt {
  /** So many events were there before. */
  readonly from: number;
  readonly size: number;
}

/**
 * The mesh must not run. Begun again after a crash, it goes on. Rejects with log_broken where the log does not hold what it signed or
 * is not that of these events, with storage_full when a file cannot be used.
 */
export async function rebuild(options: RebuildOptions): Promise<Rebuilt> {
  const { dataFolder, progress = () => {}, limits } = options;
  if (!existsSync(path.join(dataFolder, KEY_FILE))) throw broken(`There is no ${KEY_FILE} in ${dataFolder}.`, NO_KEY);
  const key = await openControlKey(dataFolder);
  const files = logFiles(dataFolder);
  const signer = logSigner(key);
  const signed = await readSigned(files, signer.key);
  if (signed === null) throw broken(`There is no log in ${dataFolder} to make anything from.`);
  const fetch = (file: string) => readTile(files, file);
  const reading = { fetch, maxEntryBytes: MAX_EVENT_BYTES, hasher: NODE_HASHER };
  const { size } = signed.checkpoint;
  const database = new MeshDatabase(dataFolder);
  try {
    const tree = await VerifiedTree.open(signed.checkpoint, reading, new AbortController().signal);
    const store = new LedgerTable(database);
    const projector = await Projector.open(store, key.peerId);
    const { size: from } = projector.head;
    if (from >= size) return { from, size: from };
    await compareEnd(store, tree, from);
    // They were spent rightly when they were: what was final last was final enough for all of them.
    projector.pending.finalTo(await finalSize(tree, signer.key, await files.read('checkpoint')));
    const past = new Past(pastFiles(dataFolder));
    const kept = { ...LEDGER_LIMITS, ...limits };
    for await (const events of portionsOf(tree, from)) {
      const { ms } = events.at(-1)!;
      const { size: first, posted } = projector.head;
      await projector.project(events.map(askedAgain), posted, ms, (results) => allAllowed(results, first));
      const at = projector.head.size;
      await sweep({ store, past, limits: kept }, { size: at, final: at }, ms);
      progress(at, size);
    }
    return { from, size };
  } catch (thrown) {
    if (thrown instanceof LogError) throw broken(thrown.message, undefined, thrown);
    throw thrown;
  } finally {
    database.close();
  }
}

async function* portionsOf(tree: VerifiedTree, from: number): AsyncGenerator<LedgerEvent[], void, void> {
  let events: LedgerEvent[] = [];
  for await (const { index, leaves } of tree.leaves(from, tree.checkpoint.size)) {
    for (const [i, leaf] of leaves.entries()) {
      const event = readEvent(leaf);
      if (event === null) throw broken(`Event ${index + i} of the log is none that this version knows.`, NEWER);
      events.push(event);
    }
    if (events.length < AT_ONCE) continue;
    yield events;
    events = [];
  }
  if (events.length > 0) yield events;
}

/** Its signatures were checked before the log signed it. */
function askedAgain(event: LedgerEvent): Asked {
  return { body: event, ms: event.ms, evidence: () => readEvidence(event, () => true) };
}

/** What there is has to be what the log has, too: as far as the last events show. */
async function compareEnd(store: LedgerTable, tree: VerifiedTree, size: number): Promise<void> {
  const { leaf } = await store.oldest();
  const from = Math.max(leaf, size - COMPARED);
  const leaves = await store.leaves(from, size);
  for await (const run of tree.leaves(from, size)) {
    const same = run.leaves.every((one, i) => sameBytes(one, leaves[run.index - from + i]!));
    if (!same) throw broken('The last events in mesh.db are not those of the log.', OTHER_EVENTS);
  }
}

/** How many events the last checkpoint with enough witnesses covers, as far as this log has signed it. */
async function finalSize(tree: VerifiedTree, key: NoteKey, bytes: Uint8Array | null): Promise<number> {
  const note = bytes === null ? null : readNote(bytes);
  const opened = note === null ? null : openNote(note, [key], nodeVerify);
  const checkpoint = opened === null ? null : readCheckpoint(opened.text);
  return checkpoint !== null && (await tree.continues(checkpoint)) ? checkpoint.size : 0;
}

/** One that is left out would put all after it elsewhere. */
function allAllowed(results: readonly Result[], first: number): void {
  const wrong = results.findIndex((result) => result instanceof Error);
  if (wrong < 0) return;
  const why = results[wrong] as Error;
  throw broken(`Event ${first + wrong} of the log is one that the ledger does not allow (${why.message}).`, NEWER, why);
}

const NO_KEY = 'Bring that file back from a backup: nobody else can sign for this mesh';
const NEWER = 'Update the mesh, and try again; or bring back the whole folder from a backup';
const OTHER_EVENTS =
  'Move mesh.db away together with the files beside it, and try again: all events are made from the log then';
