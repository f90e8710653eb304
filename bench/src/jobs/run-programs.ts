/** Runs programs here, whatever this runs in, and tells all that must be the same everywhere. */
import { outcomeDigest } from '@llmesh/core/jobs/job-units';
import { runJob } from '@llmesh/core/jobs/run-job';

const LIMITS = { gas: 3_000_000, pages: 16, wallMs: 60_000, outputBytes: 65_536 };

/** One text for each: how it ended, its gas, and the SHA-256 of the rest. */
export async function runPrograms(programs: readonly Uint8Array<ArrayBuffer>[]): Promise<string[]> {
  const ran: string[] = [];
  for (const module of programs) {
    const job = { module, args: [], env: [], stdin: new Uint8Array(), files: [], seed: 1, limits: LIMITS };
    const outcome = await runJob(job);
    const digest = Array.from(outcomeDigest(outcome), (byte) => byte.toString(16).padStart(2, '0')).join('');
    ran.push(`${outcome.end} ${outcome.gas} ${digest}`);
  }
  return ran;
}
