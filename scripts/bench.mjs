// npm run bench -- <name> [options]
import { spawn } from 'node:child_process';

const args = ['--import', 'tsx', '--conditions=@llmesh/source', 'bench/src/main.ts', ...process.argv.slice(2)];
spawn(process.execPath, args, { stdio: 'inherit' }).on('exit', (code) => process.exit(code ?? 1));
