// The process in which what a stranger wrote is read: see src/contained/contained-process.ts.
import { load } from './sources.mjs';

// First of all: what translates our sources would look at each of its files, too, which takes longer than all the rest.
if (process.argv[2] === 'llama') await import('node-llama-cpp');
await load('contained/contained-main');
