/** `llmesh export`: the whole history of some credits, as a file of one JSON object a line. */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { MAX_EVENT_BYTES } from '@llmesh/core/ledger/event';
import { LogError } from '@llmesh/log/base/log-error';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { writeNote } from '@llmesh/log/note/note';
import { LogReader } from '@llmesh/log/read/log-reader';
import { writeTlogProof } from '@llmesh/log/read/tlog-proof';
import { inclusionProof } from '@llmesh/log/tree/proof';
import { TILE_WIDTH } from '@llmesh/log/tree/tile';
import type { Output } from '../../cli/output.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { errno } from '../../files/whole-file.ts';
import type { BalanceOptions } from './balance-command.ts';
import { eachPosting, fetchAccount, fetchCredits } from '../credit-api.ts';
import { meshPlace } from '../../log/log-place.ts';
import { givenPolicy, toldPolicy } from '../../log/policy-source.ts';
import { peerOf } from './own-peer.ts';

const OWNER_ONLY = 0o600;
/** For all proofs together: a mesh gives out its log at a limited rate. */
const PATIENCE_MS = 3_600_000;

export interface ExportOptions extends BalanceOptions {
  /** A file that says whose log is believed; left out: what the mesh said the first time. */
  policy?: string;
}

/**
 * The first line says whose it is, each `posting` is a change, and each `proof` has an event's signed bytes with a proof, as
 * C2SP describes it, that they are in the log. Rejects with storage_full, and as `llmesh verify` does.
 */
export async function exportHistory(file: string, options: ExportOptions, output: Output): Promise<void> {
  const { mesh } = options;
  const peerId = await peerOf(options);
  const [page, { issuer, log }] = await Promise.all([fetchAccount(mesh, peerId), fetchCredits(mesh)]);
  const handle = await open(file, 'wx', OWNER_ONLY).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
  const counts = { postings: 0, proofs: 0 };
  try {
    const line = (value: object) => handle.write(`${JSON.stringify(value)}\n`);
    await line({ llmesh: 'credits', version: 1, mesh: mesh.origin, issuer, log, peerId, savedMs: Date.now(), ...page });
    const events = new Set<number>();
    for await (const posting of eachPosting(mesh, peerId)) {
      await line({ posting });
      events.add(posting.index);
      counts.postings++;
    }
    for await (const proof of proofsOf(events, options)) {
      await line({ proof });
      counts.proofs++;
    }
    await handle.sync();
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    if (thrown instanceof LogError) throw new MeshError('log_broken', thrown.message, { cause: thrown });
    throw unwritable(file, thrown);
  } finally {
    await handle.close();
  }
  const { postings, proofs } = counts;
  const words = `${postings} changes are in ${file}, and the proofs of ${proofs} events. What has just happened has none yet: export again in a minute.`;
  output.print(words, { file, ...counts });
}

/** Of those that the last final checkpoint covers, in their order. */
async function* proofsOf(
  events: ReadonlySet<number>,
  { mesh, policy: given, data }: ExportOptions,
): AsyncGenerator<{ index: number; event: string; proof: string }, void, void> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const place = meshPlace(mesh);
  const folder = path.join(dataFolder(data), 'verified');
  const { policy } = given === undefined ? await toldPolicy(place, folder, signal) : await givenPolicy(given);
  const reader = new LogReader({
    ...{ policy, fetch: place.fetch, maxEntryBytes: MAX_EVENT_BYTES, check: nodeVerify, hasher: NODE_HASHER },
  });
  const { checkpoint, note } = await reader.checkpoint(signal);
  const tree = await reader.tree(checkpoint, signal);
  const text = writeNote(note);
  for (const indices of byBundle(events, checkpoint.size)) {
    for await (const { index: from, leaves } of tree.leaves(indices[0]!, indices.at(-1)! + 1)) {
      for (const index of indices.filter((one) => one >= from && one < from + leaves.length)) {
        const hashes = await inclusionProof(tree.hashes, index, checkpoint.size);
        const proof = writeTlogProof({ extra: null, index, hashes, note: text });
        yield { index, event: Buffer.from(leaves[index - from]!).toString('base64'), proof };
      }
    }
  }
}

/** Those below `size`, in groups that lie in one bundle of the log each. */
function byBundle(events: ReadonlySet<number>, size: number): number[][] {
  const groups = new Map<number, number[]>();
  for (const index of [...events].filter((one) => one < size).sort((a, b) => a - b)) {
    const bundle = Math.floor(index / TILE_WIDTH);
    groups.set(bundle, [...(groups.get(bundle) ?? []), index]);
  }
  return [...groups.values()];
}

function unwritable(file: string, cause: unknown): MeshError {
  const why = errno(cause) === 'EEXIST' ? 'there is one already: choose another name' : (errno(cause) ?? String(cause));
  return new MeshError('storage_full', `${file} cannot be written (${why}).`, { cause });
}
