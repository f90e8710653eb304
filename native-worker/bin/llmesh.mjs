#!/usr/bin/env node
import { guard, needsGuard } from './guard.mjs';

if (needsGuard(process.argv.slice(2))) {
  process.exit(await guard(process.argv.slice(1)));
} else {
  const { load } = await import('./sources.mjs');
  await load('main');
}
