/** Which parts of a file are safely on the disk, so that a download that was killed can continue. */
import { rename, rm } from 'node:fs/promises';
import * as v from 'valibot';
import { openFresh, readOwn } from '../files/own-file.ts';

/** Every part is one character. */
const MAX_PARTS = 100_000;
const MAX_JOURNAL_BYTES = 1_048_576;

const JournalSchema = v.object({
  version: v.literal(1),
  sizeBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  partBytes: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** These prove that it is still the same file: either, or both. */
  etag: v.nullable(v.string()),
  sha256: v.nullable(v.string()),
  /** One character a part: "1" is there. */
  done: v.pipe(v.string(), v.maxLength(MAX_PARTS), v.regex(/^[01]*$/)),
});

export type Journal = v.InferOutput<typeof JournalSchema>;

export function journalFile(file: string): string {
  return `${file}.part.json`;
}

/** null: there is none, or none that can be trusted. */
export async function readJournal(file: string): Promise<Journal | null> {
  try {
    const journal = v.parse(JournalSchema, JSON.parse(await readOwn(journalFile(file), MAX_JOURNAL_BYTES)));
    return journal.done.length === partCount(journal) ? journal : null;
  } catch {
    // The download begins again: that costs time, and nothing else.
    return null;
  }
}

/** Writes it whole or not at all; it is on the disk when this resolves. Rejects with the system's error. */
export async function writeJournal(file: string, journal: Journal): Promise<void> {
  const draft = `${journalFile(file)}.new`;
  const handle = await openFresh(draft);
  try {
    await handle.writeFile(JSON.stringify(journal));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, journalFile(file));
}

export async function removeJournal(file: string): Promise<void> {
  await rm(`${journalFile(file)}.new`, { force: true });
  await rm(journalFile(file), { force: true });
}

export function partCount({ sizeBytes, partBytes }: Pick<Journal, 'sizeBytes' | 'partBytes'>): number {
  return Math.ceil(sizeBytes / partBytes);
}

export function doneBytes({ sizeBytes, partBytes, done }: Journal): number {
  let bytes = 0;
  for (let i = 0; i < done.length; i++) {
    if (done[i] === '1') bytes += Math.min(partBytes, sizeBytes - i * partBytes);
  }
  return bytes;
}
