/** Compares the ledger as the mesh shows it to us with what our peers were shown: fetched once a mesh has one. */
import type { ControlClient } from '@llmesh/core/control/control';
import type { Checkpoints } from '@llmesh/core/peers/checkpoints';
import { ForkWatch, type SeenFork } from '@llmesh/log/read/fork-watch';
import type { FetchFile } from '@llmesh/log/read/verified-tree';
import { logKeyOf } from './log-key.ts';

export interface ForkGuardNeeds {
  control: Pick<ControlClient, 'issuer'>;
  checkpoints: Checkpoints;
  fetch: FetchFile;
  found: (fork: SeenFork) => void;
  /** For the log: it could not be compared. */
  failed: (error: unknown) => void;
}

/** For as long as the page is open. Rejects while the mesh shows no log of its own. */
export async function guardAgainstForks(needs: ForkGuardNeeds, signal: AbortSignal): Promise<void> {
  const { control, checkpoints, fetch, found, failed } = needs;
  if (control.issuer === null) throw new Error('The mesh has not said who it is yet.');
  const watch = new ForkWatch({ key: await logKeyOf(control.issuer, fetch, signal), fetch });
  const own = (note: string) => watch.own(note, signal).then((forks) => forks.forEach(found), failed);
  checkpoints.on('shown', ({ note }) => void own(note));
  checkpoints.on('heard', (note) => {
    watch.heard(note, signal).then((heard) => {
      if (typeof heard === 'object') found(heard);
    }, failed);
  });
  if (checkpoints.latest !== null) await own(checkpoints.latest);
}
