/** What there is to say about a content, without opening it. */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { Manifest } from '@llmesh/core/models/manifest';
import { PieceMap } from '@llmesh/core/models/piece-map';
import type { PieceSet } from '@llmesh/core/models/piece-set';
import type { StoredSummary } from '@llmesh/core/models/piece-store';
import type { ContentFolder } from './content-folder.ts';
import { writtenIn } from './journal.ts';

/** `here`: its pieces, for whoever has it open. Null: the journal tells, and another tab may be writing that. */
export async function summaryOf(folder: ContentFolder, here: PieceSet | null): Promise<StoredSummary> {
  const { content, manifest } = folder;
  const map = new PieceMap(manifest);
  const whole = await folder.isWhole();
  return {
    content,
    format: manifest.format,
    sha256: sha256Of(manifest),
    sizeBytes: map.sizeBytes,
    loadedBytes: whole ? map.sizeBytes : bytesOf(here ?? (await begun(folder, map)), map),
    whole,
    usedAt: await folder.usedAt(),
  };
}

/** In hex; null: it has several files. */
export function sha256Of({ files: [first, ...others] }: Manifest): string | null {
  return first === undefined || others.length > 0 ? null : bytesToHex(first.sha256);
}

/** Null: it cannot be read just now, because another tab has it; it is asked for again soon. */
async function begun(folder: ContentFolder, map: PieceMap): Promise<PieceSet | null> {
  const journal = await folder.read('journal').catch(() => null);
  return journal === null ? null : writtenIn(journal, map.count);
}

function bytesOf(pieces: PieceSet | null, map: PieceMap): number {
  let bytes = 0;
  for (let piece = 0; piece < map.count; piece++) if (pieces?.has(piece)) bytes += map.place(piece).sizeBytes;
  return bytes;
}
