// The process in which a stranger's text is read: see src/contained/contained-process.ts.
import { load } from './sources.mjs';

// Comes first: the translator of our sources would look at each of its files, too, the slowest part by far.
if (process.argv[2] === 'llama') await import('node-llama-cpp');
await load('contained/contained-main');
