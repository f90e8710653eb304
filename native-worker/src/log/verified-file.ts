/** What was verified last time: the next time only what has come since is recounted, and a changed past is noticed. */
import { createReadStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { count, text } from '@llmesh/core/wire/fields';
import { MAX_LINE_CHARS, restore, snapshot } from '@llmesh/core/ledger/snapshot';
import { MemoryState } from '@llmesh/core/ledger/state';
import { readCheckpoint } from '@llmesh/log/note/checkpoint';
import { MAX_NOTE_BYTES, readNote } from '@llmesh/log/note/note';
import { makeDataFolder } from '../files/data-folder.ts';
import { openFresh, openOwn } from '../files/own-file.ts';
import { errno } from '../files/whole-file.ts';
import type { Earlier } from './verify-log.ts';

/** A state with more keys than this is recounted rather than kept: it would take longer to read. */
const MAX_KEYS = 1_000_000;

const HeadSchema = v.strictObject({ note: text(MAX_NOTE_BYTES), timeS: v.nullable(count), keys: count });

/** Null: this mesh was never verified here. Rejects with log_broken for a damaged file. */
export async function readVerified(folder: string, issuer: PeerId): Promise<(Earlier & { note: string }) | null> {
  const file = fileOf(folder, issuer);
  const handle = await openOwn(file).catch((thrown: unknown) => {
    if (errno(thrown) === 'ENOENT') return null;
    throw thrown;
  });
  if (handle === null) return null;
  const lines = createInterface({
    input: createReadStream('', { fd: handle.fd, autoClose: false }),
    crlfDelay: Infinity,
  });
  try {
    const reader = lines[Symbol.asyncIterator]();
    const first = await reader.next();
    const head = first.done === true ? null : v.parse(HeadSchema, JSON.parse(first.value));
    const checkpoint = head === null ? null : readCheckpoint(readNote(Buffer.from(head.note))?.text ?? '');
    if (head === null || checkpoint === null) throw new Error('it has no checkpoint');
    const state = head.keys === 0 ? null : new MemoryState();
    if (state !== null) await restore({ [Symbol.asyncIterator]: () => reader }, state);
    return { checkpoint, timeS: head.timeS, note: head.note, state };
  } catch (cause) {
    throw new MeshError('log_broken', `${file} is damaged. Move it away, and verify again from the first event.`, {
      cause,
    });
  } finally {
    lines.close();
    await handle.close();
  }
}

export async function keepVerified(
  folder: string,
  issuer: PeerId,
  { note, timeS, state }: { note: string; timeS: number | null; state: MemoryState },
): Promise<void> {
  const keys = state.keys('').length;
  const file = fileOf(folder, issuer);
  await makeDataFolder(folder);
  const handle = await openFresh(`${file}.new`);
  try {
    await handle.write(`${JSON.stringify({ note, timeS, keys: keys > MAX_KEYS ? 0 : keys })}\n`);
    let chunk = '';
    for (const line of keys > MAX_KEYS ? [] : snapshot(state)) {
      chunk += `${line}\n`;
      if (chunk.length < 64 * MAX_LINE_CHARS) continue;
      await handle.write(chunk);
      chunk = '';
    }
    await handle.write(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
}

function fileOf(folder: string, issuer: PeerId): string {
  return path.join(folder, `${issuer}.verified`);
}
