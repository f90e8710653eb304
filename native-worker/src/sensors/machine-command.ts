/** Runs commands of the system that tell about the machine. */
import { execFile } from 'node:child_process';

const LONGEST_MS = 2_000;
const MOST_BYTES = 1 << 20;

/** Resolves with what the command prints; null where it is missing, fails or takes too long. */
export type RunCommand = (command: string, args: readonly string[], signal: AbortSignal) => Promise<string | null>;

export const runCommand: RunCommand = (command, args, signal) =>
  new Promise((resolve) => {
    // It runs in the C locale, as we read what it prints, not a person.
    const options = { signal, timeout: LONGEST_MS, maxBuffer: MOST_BYTES, env: { ...process.env, LC_ALL: 'C' } };
    execFile(command, args, options, (error, stdout) => resolve(error === null ? stdout : null));
  });
