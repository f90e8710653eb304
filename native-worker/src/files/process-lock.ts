/**
 * A lock between processes of one computer: a file that names its holder. The lock of a process that is gone counts
 * for nothing, so that a crash needs no cleaning up.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, unlink } from 'node:fs/promises';
import { readOwn } from './own-file.ts';
import { createWhole, errno } from './whole-file.ts';

/** Process id and, on Linux, when it started: ids are used again, in containers often at once. */
const HOLDER = /^([1-9]\d{0,9}) (\d*)\n$/;
const MAX_HOLDER_BYTES = 64;
/** After each try the lock is ours, or another's, or there is one dead holder less. */
const TRIES = 3;

/** Resolves with an idempotent function that releases it; null when somebody has it. Rejects with the system's error. */
export async function takeLock(file: string): Promise<(() => Promise<void>) | null> {
  const mine = `${process.pid} ${await startOf(process.pid)}\n`;
  for (let i = 0; i < TRIES; i++) {
    if (await createWhole(file, mine)) return once(() => removeIf(file, mine));
    const holder = await readHolder(file);
    if (holder === null) continue;
    if (await isAlive(holder)) return null;
    await removeIf(file, holder);
  }
  return null;
}

async function readHolder(file: string): Promise<string | null> {
  try {
    return await readOwn(file, MAX_HOLDER_BYTES);
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return null;
    throw thrown;
  }
}

async function isAlive(holder: string): Promise<boolean> {
  // Locks are written whole: a torn one was left by a computer that lost its power.
  const [, id, start = ''] = HOLDER.exec(holder) ?? [];
  if (id === undefined) return false;
  try {
    process.kill(Number(id), 0);
  } catch (thrown) {
    // EPERM: it lives, under another account.
    return errno(thrown) === 'EPERM';
  }
  const now = await startOf(Number(id));
  return start === '' || now === '' || start === now;
}

/** Moves the lock aside before looking at it: another process may have put its own there meanwhile, and gets it back. */
async function removeIf(file: string, holder: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return;
    throw thrown;
  }
  try {
    if ((await readOwn(aside, MAX_HOLDER_BYTES)) !== holder) await link(aside, file);
  } catch (thrown) {
    if (errno(thrown) !== 'EEXIST') throw thrown;
  } finally {
    await unlink(aside);
  }
}

/** Clock ticks from the boot to its start (proc(5), field 22 of stat); empty where the system does not say. */
async function startOf(id: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${id}/stat`, 'utf8');
    // Field 2 is the program's name in brackets, which may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    // This is not Linux, or the process may not be looked at: its id must do.
    return '';
  }
}

function once(run: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= run());
}
