/** Tells the owner of this computer when the log of the mesh shows different pasts to different people. */
import { performance } from 'node:perf_hooks';
import type { OpenPeer } from '@llmesh/core/open-peer';
import type { Output } from '../cli/output.ts';
import { evidenceFolder, evidenceIn } from './evidence.ts';
import { errno } from '../files/whole-file.ts';
import { meshPlace } from './log-place.ts';
import { watchLog } from './watch-log.ts';

/** Returns what stops it. */
export function sayForks(node: OpenPeer, mesh: URL, data: string | undefined, output: Output): () => void {
  return watchLog(node, {
    ...{ fetch: meshPlace(mesh).fetch, folder: evidenceFolder(data), now: () => performance.now() },
    forked: (fork, file) => {
      output.note(
        `The log of ${mesh.origin} shows different pasts to different people. Both are kept in ${file}: see "A log with two faces" in docs/verify.md.`,
      );
      if (output.json) output.print('', { fork: { ...fork, file } });
    },
    // The mesh may be away; the next checkpoint is compared again.
    failed: (error) => output.detail('checkpoints could not be compared', { error: String(error) }),
  });
}

/** A sentence about the forks that were found; null: none was. Never rejects. */
export async function forksSentence(data: string | undefined): Promise<string | null> {
  const folder = evidenceFolder(data);
  try {
    if ((await evidenceIn(folder)).length === 0) return null;
  } catch (thrown) {
    return `Whether a log has shown different pasts cannot be said: ${folder} cannot be read (${errno(thrown) ?? String(thrown)}).`;
  }
  return `A log has shown different pasts to different people. The evidence is in ${folder}: see "A log with two faces" in docs/verify.md.`;
}
