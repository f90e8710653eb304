// Runs steps one after the other and times each; the first that fails ends the run.
import { spawn } from 'node:child_process';

export function step(name, command, args, env = {}) {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    process.stdout.write(`\n▸ ${name}\n`);
    const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
    child.on('error', (error) => {
      process.stderr.write(`${name}: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      process.stdout.write(`  ${code === 0 ? 'ok' : `FAILED (${signal ?? code})`} ${name}, ${seconds} s\n`);
      resolve(code ?? 1);
    });
  });
}

export async function steps(list) {
  for (const [name, command, args, env] of list) {
    const code = await step(name, command, args, env);
    if (code !== 0) process.exit(code);
  }
}

/** A tool of node_modules/.bin, without the second that npx takes. */
export const bin = (name) => `node_modules/.bin/${name}`;
