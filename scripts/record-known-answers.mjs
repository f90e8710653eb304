// node scripts/record-known-answers.mjs MODEL... [--mirror URL]: asks models of the catalogue the questions of the self-test,
// on a computer whose graphics card computes right, and keeps what they wrote in models/known-answers.json.
import { existsSync } from 'node:fs';
import { steps } from './run.mjs';

const script = 'e2e/src/record-known-answers.ts';
const args = ['--import', 'tsx', '--conditions=@llmesh/source', script, ...process.argv.slice(2)];
await steps([
  ...(existsSync('web/dist/index.html') ? [] : [['build the page', 'node_modules/.bin/vite', ['build']]]),
  ['record the answers', process.execPath, args],
]);
