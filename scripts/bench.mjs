// npm run bench -- <name> [options]
import { spawn } from 'node:child_process';
import { steps } from './run.mjs';

const options = process.argv.slice(2);
// These measure the page as it is served.
if (['browser', 'page', 'lighthouse'].includes(options[0]))
  await steps([['build the page', process.execPath, ['scripts/build.mjs']]]);
const args = ['--import', 'tsx', '--conditions=@llmesh/source', 'bench/src/main.ts', ...options];
spawn(process.execPath, args, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
