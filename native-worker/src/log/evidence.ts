/** Pairs of checkpoints that cannot both be true, as files that anybody can check: what is left of a fork. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { dataFolder, makeDataFolder } from '../files/data-folder.ts';
import { createWhole, errno } from '../files/whole-file.ts';

const FOLDER = 'forks';
const ENDING = '.fork';
/** Whoever floods us with forks has shown what there is to show. */
const MAX_FILES = 256;

export interface ForkEvidence {
  /** The signed note that was seen before, and the one that does not go with it. */
  readonly seen: string;
  readonly shown: string;
  /** Who showed it: a mesh, or a peer. */
  readonly from: string;
}

export function evidenceFolder(data: string | undefined): string {
  return path.join(dataFolder(data), FOLDER);
}

/** The file that has it. The same evidence is kept once. Rejects with the system's error. */
export async function keepEvidence(folder: string, { seen, shown, from }: ForkEvidence): Promise<string> {
  await makeDataFolder(folder);
  const name = createHash('sha256').update(`${seen}\0${shown}`).digest('hex').slice(0, 16);
  const file = path.join(folder, `${name}${ENDING}`);
  const files = await evidenceIn(folder);
  if (files.length < MAX_FILES) {
    await createWhole(
      file,
      `Two signed checkpoints of one log that cannot both be true: see "A log with two faces" in docs/verify.md.\nThe second is from ${from}.\n\n==== seen\n${seen}\n==== shown\n${shown}`,
    );
  }
  return file;
}

/** All that is kept; empty where nothing ever was. Rejects with the system's error. */
export async function evidenceIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith(ENDING)).map((name) => path.join(folder, name));
  } catch (thrown) {
    if (errno(thrown) === 'ENOENT') return [];
    throw thrown;
  }
}
