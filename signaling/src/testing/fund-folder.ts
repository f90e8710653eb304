/** A process for tests of other packages: `fundedFolder` for the identities in these data folders of workers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeIdentity } from '@llmesh/core/identity/node-signatures';
import { fundedFolder } from './funded-folder.ts';

const [folder = '', ...workers] = process.argv.slice(2);
const keys = await Promise.all(workers.map((worker) => readFile(join(worker, 'identity.key'), 'utf8')));
await fundedFolder(
  folder,
  keys.map((key) => nodeIdentity(Buffer.from(key.trim(), 'hex'))),
);
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
