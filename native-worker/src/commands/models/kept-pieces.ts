/** What `llmesh models` says of pieces: which models peers can have, which have begun to come, and how much went where. */
import type { ContentId } from '@llmesh/core/base/ids';
import { FilePieceStore } from '../../models/pieces/file-piece-store.ts';
import { KeptModels } from '../../models/pieces/kept-models.ts';
import { storeFolder } from '../../models/models.ts';
import { readReport } from '../../status/report-reader.ts';
import type { Report } from '../../status/worker-report.ts';
import { megabytes } from '../../cli/output.ts';

export interface KeptPieces {
  content: ContentId;
  sha256: string | null;
  sizeBytes: number;
  loadedBytes: number;
  /** The files of a whole model, in order; null: it is only begun. */
  files: string[] | null;
  /** The worker that runs now gives it to others. */
  given: boolean;
  /** It is here because others need it. */
  forOthers: boolean;
}

export interface Kept {
  all: KeptPieces[];
  /** Null: no worker runs, or it shares no models. */
  seeding: Report['seeding'];
}

export async function readKept(folder: string): Promise<Kept> {
  const store = new FilePieceStore(storeFolder(folder));
  const [summaries, report, keep] = await Promise.all([store.list(), readReport(folder), KeptModels.open(folder, 0)]);
  const others = new Set(await keep.load());
  const seeding = report?.seeding ?? null;
  const all = await Promise.all(
    summaries.map(async ({ content, sha256, sizeBytes, loadedBytes }) => ({
      ...{ content, sha256, sizeBytes, loadedBytes },
      files: await store.paths(content),
      given: seeding?.contents.includes(content) ?? false,
      forOthers: others.has(content),
    })),
  );
  return { all, seeding };
}

/** In the list, behind the state of a model. */
export function piecesText(pieces: KeptPieces | null): string {
  if (pieces === null || pieces.files === null) return '';
  if (pieces.forOthers) return ', kept for others';
  return pieces.given ? ', given to others' : '';
}

/** Below the list; null: there is nothing to say. */
export function seedingText({ seeding }: Kept): string | null {
  if (seeding === null) return null;
  const { fromPeers, fromWeb, sentToday, inRate, outRate } = seeding;
  return `This worker got ${megabytes(fromPeers)} from peers and ${megabytes(fromWeb)} from the web (now ${megabytes(inRate)} a second), and gave ${megabytes(sentToday)} today (now ${megabytes(outRate)} a second).`;
}
