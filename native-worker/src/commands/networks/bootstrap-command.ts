/** `llmesh bootstrap`: the control plane of a network, as a process of its own under this one. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { MeshError } from '@llmesh/core/base/errors';
import type { NetworkId } from '@llmesh/core/base/ids';
import type { Genesis } from '@llmesh/core/networks/genesis';
import type { Output } from '../../cli/output.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { modelsFolder } from '../../models/catalogue-file.ts';
import { NetworkFolder } from '../../networks/network-folder.ts';

export interface BootstrapOptions {
  network?: NetworkId;
  port: number;
  host: string;
  data?: string;
}

/** The key, credits and log of the network, as this computer serves it. */
const SERVED = 'control';

/** Resolves when it was stopped. Rejects with control_refused for a network that is not known here, or as the control plane failed. */
export async function bootstrapNetwork(options: BootstrapOptions, output: Output): Promise<void> {
  const networks = new NetworkFolder(dataFolder(options.data));
  const network = options.network ?? (await networks.current());
  if (network === null) throw unknown('No network was founded or joined here yet. "llmesh init" founds one.');
  const genesis = await networks.genesis(network);
  if (genesis === null) throw unknown(`${network} is not known here. Found it with "llmesh init", or join it first.`);
  const { program, web } = controlPlane();
  const child = spawn(
    process.execPath,
    [
      program,
      ...['--genesis', networks.genesisFile(network), '--data', path.join(networks.of(network), SERVED)],
      ...['--port', String(options.port), '--host', options.host, '--web', web, '--models', modelsFolder()],
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  const stop = () => child.kill('SIGTERM');
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  let isReady = false;
  let lastWords = '';
  createInterface({ input: child.stderr! }).on('line', (line) => {
    if (isReady) output.note(line);
    else lastWords = `${lastWords}\n${line}`.trim().slice(-1_000);
  });
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const { url } = JSON.parse(line) as { url: string };
    isReady = true;
    void networks.learn(network, [new URL(url)]).then(() => sayReady(genesis, url, options.port, output));
  });
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0 && code !== null)
    throw new MeshError('control_unreachable', lastWords || `The control plane ended with code ${code}.`);
}

function sayReady({ network, name }: Genesis, url: string, port: number, output: Output): void {
  const address = url.replace(/^http/, 'ws');
  output.print(`${name} is served: ${url}\nCtrl-C stops it.`, { ready: true, network, name, url, port });
  output.note(`\nOthers join with: llmesh join --network ${network} --bootstrap ${address}`);
}

/** The package that has the control plane, and the page that it serves. */
function controlPlane(): { program: string; web: string } {
  try {
    const main = fileURLToPath(import.meta.resolve('@llmesh/signaling/main'));
    const root = path.dirname(path.dirname(main));
    const packed = path.join(root, 'web');
    const web = existsSync(packed) ? packed : path.join(root, '..', 'web', 'dist');
    return { program: fileURLToPath(new URL('../../../bin/bootstrap.mjs', import.meta.url)), web };
  } catch (cause) {
    const message = 'The control plane is a package of its own: npm install @llmesh/signaling, and try again.';
    throw new MeshError('control_unreachable', message, { cause });
  }
}

function unknown(message: string): MeshError {
  return new MeshError('control_refused', message);
}
