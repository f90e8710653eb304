/**
 * The folder of downloaded models. A model there is one file or the parts of one, which share a stem; beside them lie a
 * record of where it comes from, and while it is fetched a lock, `.part` files and their journals.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import { doneBytes, readJournal } from './download-journal.ts';
import { partFile } from './file-download.ts';
import { sourceFile, sourceName, type FileSource } from './model-source.ts';
import { openFresh, readOwn } from '../files/own-file.ts';
import { takeLock } from '../files/process-lock.ts';
import { partSuffix, splitParts, withoutPart } from './split-files.ts';
import { errno, sizeOf } from '../files/whole-file.ts';

const RECORD = '.model.json';
const LOCK = '.lock';
const MAX_RECORD_BYTES = 1_048_576;
/** Anything in the folder that belongs to a stem. */
const OWNED = /^(.+?)(?:-\d{5}-of-\d{5})?\.gguf(?:\.part(?:\.json(?:\.new)?)?)?$/i;
const MAX_BASE_LENGTH = 80;

const RecordSchema = v.object({
  version: v.literal(1),
  /** The name that `sourceName` gives. */
  source: v.string(),
  /** The words by which it was asked for: `hf:user/model:Q4_K_M` is found again without asking the hub. */
  asked: v.string(),
  files: v.pipe(
    v.array(v.object({ name: v.string(), sizeBytes: v.nullable(v.number()), sha256: v.nullable(v.string()) })),
    v.minLength(1),
  ),
});

export type ModelRecord = v.InferOutput<typeof RecordSchema>;

export interface StoredModel {
  stem: string;
  /** null: somebody put the file there. */
  record: ModelRecord | null;
  /** The first file, which llama.cpp is given. */
  file: string;
  state: 'complete' | 'unfinished' | 'downloading';
  loadedBytes: number;
  /** null: it is not known yet. */
  sizeBytes: number | null;
}

/** A name for the files from `source` that tells people what it is and never clashes. */
export function storeStem(source: FileSource): string {
  const base = withoutPart(sourceFile(source))
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, MAX_BASE_LENGTH);
  const hash = createHash('sha256').update(sourceName(source)).digest('hex').slice(0, 8);
  return `${base.replace(/^[^A-Za-z0-9]+/, '') || 'model'}-${hash}`;
}

/** The model's own name, without the part that keeps it apart from others. */
export function stemName(stem: string): string {
  return stem.replace(/-[0-9a-f]{8}$/, '');
}

/** The paths of a model's files. `parts`: as many as its source has; a content id alone does not say. */
export function storeFiles(
  folder: string,
  source: FileSource,
  parts = splitParts(sourceFile(source)).length,
): string[] {
  return Array.from({ length: parts }, (_, i) => path.join(folder, `${storeStem(source)}${partSuffix(i + 1, parts)}`));
}

/** Throws storage_full. */
export async function makeStore(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new MeshError('storage_full', `The folder ${folder} cannot be written to. Give another one with --data.`, {
      cause,
    });
  }
}

/** null: another process has it. */
export function lockModel(folder: string, stem: string): Promise<(() => Promise<void>) | null> {
  return takeLock(path.join(folder, `${stem}${LOCK}`));
}

export async function writeRecord(folder: string, stem: string, record: ModelRecord): Promise<void> {
  const file = path.join(folder, `${stem}${RECORD}`);
  const handle = await openFresh(`${file}.new`);
  try {
    await handle.writeFile(`${JSON.stringify(record, null, 2)}\n`);
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

/** The models by name. An empty list where there is no such folder. */
export async function listStore(folder: string): Promise<StoredModel[]> {
  const names = await namesIn(folder);
  const stems = new Set(names.map(stemOf).filter((stem) => stem !== null));
  return Promise.all([...stems].toSorted().map((stem) => stored(folder, stem, names)));
}

/** The model that was asked for by these words or this source, if its files are there. */
export async function findStored(folder: string, wanted: string): Promise<StoredModel | null> {
  const all = await listStore(folder);
  return all.find(({ state, record }) => state === 'complete' && names(record, wanted)) ?? null;
}

/** Remembers that it is used now. A record that cannot be touched says that it was used longer ago. */
export async function use(folder: string, { stem, record }: StoredModel): Promise<void> {
  const now = new Date();
  if (record !== null) await utimes(path.join(folder, `${stem}${RECORD}`), now, now).catch(() => {});
}

/** When it was last used, in milliseconds since 1970. */
export async function usedAt(folder: string, { stem, file }: StoredModel): Promise<number> {
  const times = [path.join(folder, `${stem}${RECORD}`), file].map(async (one) => (await stat(one)).mtimeMs);
  const known = (await Promise.allSettled(times)).flatMap((time) => (time.status === 'fulfilled' ? time.value : []));
  return Math.max(0, ...known);
}

/** Removes files, record, and the remains of a download. Throws busy while somebody downloads it. */
export async function removeStored(folder: string, model: StoredModel): Promise<void> {
  const release = await lockModel(folder, model.stem);
  if (release === null) {
    throw new MeshError('busy', `Another llmesh is downloading ${model.stem}. Stop that one first.`);
  }
  try {
    for (const name of await namesIn(folder)) {
      if (stemOf(name) !== model.stem || name.endsWith(LOCK)) continue;
      await rm(path.join(folder, name), { force: true });
    }
  } finally {
    await release();
  }
}

export function names(record: ModelRecord | null, wanted: string): boolean {
  return record !== null && (record.source === wanted || record.asked === wanted);
}

async function stored(folder: string, stem: string, all: readonly string[]): Promise<StoredModel> {
  const record = await readRecord(path.join(folder, `${stem}${RECORD}`));
  const there = all.filter((name) => stemOf(name) === stem);
  const whole = there.filter((name) => /\.gguf$/i.test(name)).toSorted();
  const first = whole[0];
  const wanted = record?.files.map(({ name }) => name) ?? (first === undefined ? [] : splitParts(first));
  const complete = wanted.length > 0 && wanted.every((name) => whole.includes(name));
  const sizes = await Promise.all(wanted.map((name) => loaded(path.join(folder, name))));
  const planned = record?.files.map(({ sizeBytes }) => sizeBytes) ?? [];
  const loadedBytes = sum(sizes);
  return {
    stem,
    record,
    file: path.join(folder, wanted[0] ?? `${stem}.gguf`),
    state: complete ? 'complete' : (await isLocked(path.join(folder, `${stem}${LOCK}`))) ? 'downloading' : 'unfinished',
    loadedBytes,
    sizeBytes: complete ? loadedBytes : planned.length > 0 && planned.every((n) => n !== null) ? sum(planned) : null,
  };
}

/** The bytes of a file, or of the part of it that is there. */
async function loaded(file: string): Promise<number> {
  const size = await sizeOf(file);
  if (size !== null) return size;
  const journal = await readJournal(file);
  return journal === null ? ((await sizeOf(partFile(file))) ?? 0) : doneBytes(journal);
}

/** A lock that is held only for a moment. */
async function isLocked(file: string): Promise<boolean> {
  if ((await sizeOf(file)) === null) return false;
  const release = await takeLock(file);
  await release?.();
  return release === null;
}

/** null: there is none, or it is unreadable. */
async function readRecord(file: string): Promise<ModelRecord | null> {
  try {
    const record = v.parse(RecordSchema, JSON.parse(await readOwn(file, MAX_RECORD_BYTES)));
    return record.files.every(({ name }) => name === path.basename(name)) ? record : null;
  } catch {
    // In that case the names of the files say what is there.
    return null;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}

function stemOf(name: string): string | null {
  for (const ending of [RECORD, `${RECORD}.new`]) if (name.endsWith(ending)) return name.slice(0, -ending.length);
  return OWNED.exec(name)?.[1] ?? null;
}

function sum(numbers: readonly (number | null)[]): number {
  return numbers.reduce<number>((all, n) => all + (n ?? 0), 0);
}
