/**
 * Makes tiles of events, and signs how many there are. What is signed once is never taken back: the checkpoint is on the
 * disk before anybody sees it, and a ledger that does not continue it is not signed.
 */
import { readCheckpoint, signCheckpoint, type Checkpoint } from '@llmesh/log/note/checkpoint';
import { readEntries } from '@llmesh/log/tree/entries';
import type { TreeHasher } from '@llmesh/log/base/hashing';
import { sameBytes } from '@llmesh/log/base/hashing';
import type { NoteKey, NoteSigner } from '@llmesh/log/note/key';
import { LogError } from '@llmesh/log/base/log-error';
import { openNote, readNote } from '@llmesh/log/note/note';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { TILE_WIDTH, tileAt, tilePath } from '@llmesh/log/tree/tile';
import { MeshError } from '@llmesh/core/base/errors';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { LeafSource } from '../ledger/ledger-port.ts';
import { readTile, type TileStore } from './tile-store.ts';

/** Events that become tiles at once: their bytes are in memory twice, at most 24 KiB each and mostly one. */
const BATCH = 2 * TILE_WIDTH;

/** A checkpoint that we have signed. */
export interface Signed {
  readonly checkpoint: Checkpoint;
  /** The note, with our signature alone. */
  readonly note: string;
}

export interface LogWriterOptions {
  readonly source: LeafSource;
  readonly store: TileStore;
  readonly signer: NoteSigner;
  readonly hasher: TreeHasher;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export class LogWriter {
  readonly #options: LogWriterOptions;
  /** Null after a failure: it may be ahead of what is on the disk. */
  #appender: TileAppender | null;
  #signed: Signed | null;

  private constructor(options: LogWriterOptions, appender: TileAppender, signed: Signed | null) {
    this.#options = options;
    this.#appender = appender;
    this.#signed = signed;
  }

  /**
   * Makes missing tiles again from the events. Rejects with log_broken when they are not those that were signed, with storage_full
   * when the folder cannot be used.
   */
  static async open(options: LogWriterOptions): Promise<LogWriter> {
    const { source, store, signer, hasher } = options;
    const signed = await readSigned(store, signer.key);
    if (signed === null) {
      await checkBeginning(source);
      return new LogWriter(options, await TileAppender.open(0, readNothing, hasher), null);
    }
    const writer = new LogWriter(options, await continued(options, signed.checkpoint), signed);
    await checkEnd(options, signed.checkpoint.size);
    return writer;
  }

  /** Null: there has been no event yet. */
  get signed(): Signed | null {
    return this.#signed;
  }

  /** The new checkpoint; null: nothing has happened. Rejects with the system's error, and may be tried again. */
  async grow(): Promise<Signed | null> {
    const { source, store, signer, hasher, now } = this.#options;
    const size = source.size;
    const before = this.#signed?.checkpoint.size ?? 0;
    if (size <= before) return null;
    const read = (path: string) => readTile(store, path);
    const appender = (this.#appender ??= await TileAppender.open(before, read, hasher));
    this.#appender = null;
    while (appender.size < size) await extend(appender, Math.min(size, appender.size + BATCH), this.#options);
    const checkpoint = { origin: signer.key.name, size, root: appender.root(), extensions: [] };
    const note = await signCheckpoint(checkpoint, signer, Math.floor(now() / 1_000));
    await store.writeCheckpoint(note, 'signed');
    this.#appender = appender;
    return (this.#signed = { checkpoint, note });
  }
}

/**
 * What was signed last; null: nothing was. Rejects with log_broken when it is not signed by this key, with storage_full when it cannot
 * be read.
 */
export async function readSigned(store: Pick<TileStore, 'read'>, key: NoteKey): Promise<Signed | null> {
  const bytes = await reading(store.read('signed'));
  if (bytes === null) return null;
  const opened = openNote(readNote(bytes) ?? NO_NOTE, [key], nodeVerify);
  const checkpoint = opened === null ? null : readCheckpoint(opened.text);
  if (checkpoint === null || checkpoint.origin !== key.name) {
    throw broken('Its last checkpoint is not signed by the key in control.key: the two belong to different meshes.');
  }
  return { checkpoint, note: Buffer.from(bytes).toString('utf8') };
}

async function extend(appender: TileAppender, to: number, { source, store }: LogWriterOptions): Promise<void> {
  const leaves = await source.leaves(appender.size, to);
  if (leaves.length !== to - appender.size) throw new Error('The ledger lacks events that it counts.');
  await store.write(appender.append(leaves));
}

/** A log that is lost is made again, unless the first events were nowhere but there. */
async function checkBeginning(source: LeafSource): Promise<void> {
  if (source.size === 0) return;
  try {
    await source.leaves(0, 1);
  } catch (cause) {
    throw broken('The folder log is empty or missing, and mesh.db no longer has its first events.', FROM_BACKUP, cause);
  }
}

/** At the end of this checkpoint, with its tiles on the disk. */
async function continued(options: LogWriterOptions, { size, root }: Checkpoint): Promise<TileAppender> {
  const { source, store, hasher } = options;
  try {
    const appender = await TileAppender.open(size, (path) => reading(readTile(store, path)), hasher);
    if (sameBytes(appender.root(), root)) return appender;
  } catch (thrown) {
    if (!(thrown instanceof LogError)) throw thrown;
  }
  if (source.size < size) throw tooShort(source.size, size);
  const appender = await TileAppender.open(0, readNothing, hasher);
  while (appender.size < size) await extend(appender, Math.min(size, appender.size + BATCH), options);
  if (!sameBytes(appender.root(), root)) {
    throw broken('The events in mesh.db are not those of its last checkpoint.');
  }
  return appender;
}

/** The ledger goes on where the tiles end, as far as the last tile shows. */
async function checkEnd({ source, store }: LogWriterOptions, size: number): Promise<void> {
  if (source.size < size) throw tooShort(source.size, size);
  const tile = tileAt('entries', size - 1, size);
  if (tile === null) return;
  const from = tile.index * TILE_WIDTH;
  const bytes = await reading(readTile(store, tilePath(tile)));
  const kept = bytes === null ? null : readEntries(bytes, tile.width);
  const leaves = await source.leaves(from, size).catch((cause: unknown) => {
    throw broken(`It ends with event ${size}, and mesh.db no longer has all that came after.`, FROM_BACKUP, cause);
  });
  if (kept?.length === leaves.length && kept.every((leaf, i) => sameBytes(leaf, leaves[i] ?? leaf))) return;
  throw broken('The last events in mesh.db are not those of its last checkpoint.');
}

const NO_NOTE = { text: '', signatures: [] } as const;
const readNothing = () => Promise.resolve(null);

async function reading<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MeshError('storage_full', `The log of this mesh cannot be read (${why}).`, { cause });
  }
}

const FROM_BACKUP = 'Bring back mesh.db and the folder log from one backup, the newest there is';
const FROM_LOG = 'Start the mesh once with --rebuild, which makes the missing ones again from the log';

function tooShort(has: number, signed: number): MeshError {
  return broken(`mesh.db has ${has} events, and the log has signed ${signed}.`, FROM_LOG);
}

/** `next`: what its operator can do. */
export function broken(what: string, next = FROM_BACKUP, cause?: unknown): MeshError {
  const message = `The log of this mesh cannot go on: ${what} ${next}: see "Backup" in docs/run-a-mesh.md.`;
  return new MeshError('log_broken', message, { cause });
}
