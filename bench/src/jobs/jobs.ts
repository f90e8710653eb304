/** Jobs: what hostile modules can do, whether gas is the same everywhere, what counting costs, and what liars achieve. */
import { containment } from './containment.ts';
import { crowd } from './crowd.ts';
import { samePrograms } from './engines.ts';
import { meteringRatio } from './metering.ts';

export interface JobsOptions {
  hostile: number;
  programs: number;
  jobs: number;
  simulated: number;
}

/** Of all volunteers; those that lie are among the simulated ones. */
const LIARS_SHARE = 0.2;
const REAL = 3;

export async function jobsBench({ hostile, programs, jobs, simulated }: JobsOptions) {
  const ratio = await meteringRatio();
  const contained = await containment(hostile);
  const gasProgramsEqual = await samePrograms(programs);
  const liars = Math.round((simulated + REAL) * LIARS_SHARE);
  const right = await crowd({ jobs, simulated, real: REAL, liars });
  return { bench: 'jobs', hostile, contained, gasProgramsEqual, meteringRatio: ratio, jobs, right };
}
