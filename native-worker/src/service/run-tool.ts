/** Runs a system program to its end. */
import { execFile } from 'node:child_process';

const LONGEST_MS = 30_000;

/** `output`: what it printed, else why it did not run. Never rejects. */
export type RunTool = (tool: string, args: readonly string[]) => Promise<{ ok: boolean; output: string }>;

export const runTool: RunTool = (tool, args) =>
  new Promise((resolve) => {
    const options = { timeout: LONGEST_MS, env: { ...process.env, LC_ALL: 'C' } };
    execFile(tool, args, options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`.trim();
      resolve({ ok: error === null, output: output || (error?.message ?? '') });
    });
  });
