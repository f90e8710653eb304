/** `llmesh export`: the whole history of some credits, as a file of one JSON object a line. */
import { open } from 'node:fs/promises';
import { MeshError } from '@llmesh/core/base/errors';
import type { Output } from '../../cli/output.ts';
import { errno } from '../../files/whole-file.ts';
import type { BalanceOptions } from './balance-command.ts';
import { eachPosting, fetchAccount, fetchCredits } from '../credit-api.ts';
import { peerOf } from './own-peer.ts';

const OWNER_ONLY = 0o600;

/** The first line says whose it is, and each later one is a change. Rejects with storage_full. */
export async function exportHistory(file: string, options: BalanceOptions, output: Output): Promise<void> {
  const { mesh } = options;
  const peerId = await peerOf(options);
  const [page, { issuer, log }] = await Promise.all([fetchAccount(mesh, peerId), fetchCredits(mesh)]);
  const handle = await open(file, 'wx', OWNER_ONLY).catch((cause: unknown) => {
    throw unwritable(file, cause);
  });
  let postings = 0;
  try {
    const line = (value: object) => handle.write(`${JSON.stringify(value)}\n`);
    await line({ llmesh: 'credits', version: 1, mesh: mesh.origin, issuer, log, peerId, savedMs: Date.now(), ...page });
    for await (const posting of eachPosting(mesh, peerId)) {
      await line({ posting });
      postings++;
    }
    await handle.sync();
  } catch (thrown) {
    throw thrown instanceof MeshError ? thrown : unwritable(file, thrown);
  } finally {
    await handle.close();
  }
  output.print(`${postings} changes are in ${file}.`, { file, postings });
}

function unwritable(file: string, cause: unknown): MeshError {
  const why = errno(cause) === 'EEXIST' ? 'there is one already: choose another name' : (errno(cause) ?? String(cause));
  return new MeshError('storage_full', `${file} cannot be written (${why}).`, { cause });
}
