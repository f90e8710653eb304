#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { register } from 'node:module';
import { guard, needsGuard } from './guard.mjs';

const source = new URL('../src/main.ts', import.meta.url);
if (needsGuard(process.argv.slice(2))) {
  process.exit(await guard(process.argv.slice(1)));
} else if (existsSync(source)) {
  const { register: registerTsx } = await import('tsx/esm/api');
  registerTsx();
  register('./source-condition.mjs', import.meta.url);
  await import(source.href);
} else {
  await import('../dist/main.js');
}
