/** What an operator asks for instead of a running mesh: a copy of its data folder, or its events made again from the log. */
import { resolve } from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { backUp } from './backup.ts';
import { rebuild } from './rebuild.ts';

/** A long log takes minutes: so often it is said how far it is. */
const SAY_EVERY = 100_000;

export interface Maintenance {
  readonly data?: string;
  /** Where the copy is made. */
  readonly backup?: string;
  readonly rebuild?: true;
}

/** A sentence about what was done. Rejects with control_refused, and as `backUp` and `rebuild` do. */
export async function maintain({ data, backup, rebuild: again }: Maintenance): Promise<string> {
  if (data === undefined || (backup !== undefined && again === true)) {
    throw new MeshError(
      'control_refused',
      'Give --data with the folder of the mesh, and either --backup or --rebuild.',
    );
  }
  const dataFolder = resolve(data);
  if (backup !== undefined) {
    const to = resolve(backup);
    const { events, signed } = await backUp(dataFolder, to);
    return `${to} has the key, ${events} events, and the log of ${signed} of them. Check it with: llmesh verify ${to} --policy FILE`;
  }
  let said = 0;
  const { from, size } = await rebuild({
    dataFolder,
    progress: (events, of) => {
      if (events - said < SAY_EVERY) return;
      said = events;
      process.stderr.write(`${events} of ${of} events\n`);
    },
  });
  if (from >= size) return `mesh.db in ${dataFolder} lacks no event that its log has signed: nothing was changed.`;
  return `mesh.db in ${dataFolder} had ${from} events, and has all ${size} that its log has signed.`;
}
