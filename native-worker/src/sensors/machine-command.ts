/** What the system tells through a command of its own. */
import { execFile } from 'node:child_process';

const LONGEST_MS = 2_000;
const MOST_BYTES = 1 << 20;

/** What it prints; null where it is missing, fails or takes too long. */
export type RunCommand = (command: string, args: readonly string[], signal: AbortSignal) => Promise<string | null>;

export const runCommand: RunCommand = (command, args, signal) =>
  new Promise((resolve) => {
    // In the C locale: what it prints is read by us, not by a person.
    const options = { signal, timeout: LONGEST_MS, maxBuffer: MOST_BYTES, env: { ...process.env, LC_ALL: 'C' } };
    execFile(command, args, options, (error, stdout) => resolve(error === null ? stdout : null));
  });
