// Runs steps, one after the other or side by side, and times each; one that fails ends the run.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

export function step(name, command, args, env = {}) {
  process.stdout.write(`\n▸ ${name}\n`);
  return run(name, command, args, { stdio: 'inherit', env: { ...process.env, ...env } });
}

/** Keeps what it says until it has ended, so that steps side by side do not speak into each other. */
function quietStep(name, command, args, env = {}) {
  const said = [];
  return run(name, command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } }, said);
}

/** Resolves to the exit code. */
function run(name, command, args, options, said = []) {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const child = spawn(command, args, options);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => said.push(bytes));
    child.on('error', (error) => {
      process.stderr.write(`${name}: ${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code, signal) => {
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      for (const bytes of said) process.stdout.write(bytes);
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

/** Steps that do not need each other, one a core. What each says comes whole, when it has ended; all are run to their end. */
export async function stepsSideBySide(list) {
  const waiting = [...list];
  let failed = 0;
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const code = await quietStep(...next);
      if (code !== 0) failed = code;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  if (failed !== 0) process.exit(failed);
}

/** A tool of node_modules/.bin, without the second that npx takes. */
export const bin = (name) => `node_modules/.bin/${name}`;
