// The process in which what a stranger wrote is read: see src/contained/contained-process.ts.
import { existsSync } from 'node:fs';
import { register } from 'node:module';

// First of all: what translates our sources would look at each of its files, too, which takes longer than all the rest.
if (process.argv[2] === 'llama') await import('node-llama-cpp');
const source = new URL('../src/contained/contained-main.ts', import.meta.url);
if (existsSync(source)) {
  const { register: registerTsx } = await import('tsx/esm/api');
  registerTsx();
  register('./source-condition.mjs', import.meta.url);
  await import(source.href);
} else {
  await import('../dist/contained/contained-main.js');
}
