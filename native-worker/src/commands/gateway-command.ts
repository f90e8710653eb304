/** `llmesh gateway`: an OpenAI-compatible API in front of a mesh, until it is stopped. */
import path from 'node:path';
import { onAbort } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { readHosts } from '@llmesh/core/base/host-guard';
import type { PeerId } from '@llmesh/core/base/ids';
import { dataFolder } from '../files/data-folder.ts';
import { isLoopbackHost } from '../gateway/door.ts';
import { KeyRing } from '../gateway/key-ring.ts';
import { startGateway, type Gateway } from '../gateway/server.ts';
import { endProcessNow, sayServing, whyStartedAgain } from '../cli/guard-link.ts';
import { openIdentity, type OpenIdentity } from '../node/identity-file.ts';
import { sayForks } from '../log/say-forks.ts';
import { OwnAdapters } from '../models/lora/own-adapters.ts';
import { readyOnMesh, watchConnection } from '../node/mesh-connection.ts';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import type { Output } from '../cli/output.ts';
import { ownCommand } from '../cli/own-command.ts';
import { EXIT_REFUSED } from '../cli/reporting.ts';
import { neverWaitForReaders } from '../cli/standard-stream.ts';
import { onUncaught } from '../cli/uncaught.ts';

const STOP_MS = 1_800;
const EXIT_PORT_IN_USE = 3;
/** The share of a minute's requests that may come at once. */
const BURST_SHARE = 1 / 3;

export interface GatewayCommandOptions {
  mesh: URL;
  port: number;
  host: string;
  /** The file of keys; left out: the one in the data folder. */
  keys?: string;
  open?: boolean;
  proxied?: boolean;
  /** Requests per minute and key. */
  rate: number;
  cors: string[];
  own: PeerId[];
  trust: PeerId[];
  hideAddress?: boolean;
  /** Adapters that requests may name, each `name=file`. */
  lora: string[];
  /** Other volunteers may check answers. */
  checks: boolean;
  data?: string;
}

/** Where a gateway's identity and keys are: a worker beside it has an identity of its own. */
export function gatewayFolder(data: string | undefined): string {
  return path.join(dataFolder(data), 'gateway');
}

export function keysFile({ keys, data }: Pick<GatewayCommandOptions, 'keys' | 'data'>): string {
  return keys ?? path.join(gatewayFolder(data), 'keys');
}

/** Exit code: 0 when it was stopped, 1 when it failed, 3 when the port is in use, 78 when the mesh refuses it. */
export async function runGateway(options: GatewayCommandOptions, output: Output): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => stop.abort());
  }
  let failure: MeshError | null = null;
  onAbort(stop.signal, () => setTimeout(() => void endProcessNow(failure === null ? 0 : 1), STOP_MS).unref());
  neverWaitForReaders();
  onUncaught((error) => {
    failure = error;
    stop.abort();
  });
  const before = whyStartedAgain();
  if (before !== null) output.error(new MeshError('engine_failed', `The gateway was started again. ${before}`));
  let refused = false;
  let self: OpenIdentity | null = null;
  let node: OpenPeer | null = null;
  let gateway: Gateway | null = null;
  let ring: KeyRing | null = null;
  let own: OwnAdapters | null = null;
  try {
    const keys = await openKeys(options, output);
    ring = keys;
    requireKeys(options, keys.keys.length);
    self = await openIdentity(gatewayFolder(options.data));
    if (self.temporary !== null) output.note(self.temporary);
    own = await openOwn(options, stop.signal);
    node = await openMeshNode(options.mesh, {
      identity: self.identity,
      hidden: options.hideAddress === true,
      ...(own !== null && { models: own.sharing }),
    });
    watchConnection(node, options.mesh, output, (error) => {
      failure = error;
      refused = error.code === 'control_refused';
      stop.abort();
    });
    sayForks(node, options.mesh, options.data, output);
    const { port, host, rate, cors, own: ownPeers, trust, checks, open = false, proxied = false } = options;
    gateway = await startGateway({
      node,
      port,
      host,
      keys: () => keys.keys,
      open,
      proxied,
      origins: cors,
      hosts: readHosts(process.env['LLMESH_HOSTS']),
      makeKey: keyCommand(options),
      rate: { perSecond: rate / 60, burst: Math.max(1, rate * BURST_SHARE) },
      circles: { own: ownPeers, trusted: trust },
      adapters: own?.all ?? [],
      checks,
      failed: (thrown) => output.error(asMeshError(thrown, 'engine_failed', `A request failed: ${String(thrown)}`)),
    });
    const { url } = gateway;
    const sayWaiting = (reason: string) => {
      const message = `The API listens at ${url}, and waits for the mesh at ${options.mesh.origin}. ${reason}`;
      if (output.json) output.print('', { waiting: { mesh: options.mesh.origin, message } });
      else output.note(message);
    };
    const stopped = new Promise<void>((resolve) => onAbort(stop.signal, resolve));
    await Promise.race([readyOnMesh({ node, listed: () => true, waits: sayWaiting }, stop.signal), stopped]);
    const count = keys.keys.length;
    const who = count > 0 ? `${count} keys` : open ? 'anyone' : 'this computer';
    const mesh = options.mesh.origin;
    if (!stop.signal.aborted) {
      sayServing();
      output.print(`OpenAI-compatible API at ${url} for ${who}. Ctrl-C stops.`, {
        ready: true,
        url,
        mesh,
        keys: count,
        peerId: node.mesh.self,
      });
    }
    await stopped;
  } catch (thrown) {
    if (!stop.signal.aborted) failure = asMeshError(thrown, 'engine_failed', `The gateway failed: ${String(thrown)}`);
  } finally {
    ring?.close();
    await gateway?.close();
    await self?.close();
    if (node !== null) await leaveMesh(node);
    await own?.close();
  }
  if (failure === null) return 0;
  output.error(failure);
  if (failure.code === 'port_in_use') return EXIT_PORT_IN_USE;
  return refused ? EXIT_REFUSED : 1;
}

/** Null: there are none. Rejects as `OwnAdapters.open` does, and with unsupported. */
async function openOwn({ lora, hideAddress }: GatewayCommandOptions, signal: AbortSignal): Promise<OwnAdapters | null> {
  if (lora.length === 0) return null;
  if (hideAddress === true) {
    throw new MeshError(
      'unsupported',
      'A hidden address means a relay, and relays carry no files: leave out --lora or --hide-address.',
    );
  }
  return OwnAdapters.open(lora, signal);
}

function openKeys(options: GatewayCommandOptions, output: Output): Promise<KeyRing> {
  return KeyRing.open(keysFile(options), {
    clock: realClock,
    changed: (keys) => {
      if (output.json) output.print('', { keys });
      else
        output.note(keys === 0 ? 'No key opens this gateway any more.' : `${keys} keys open this gateway from now on.`);
    },
    failed: (thrown) => output.error(asMeshError(thrown, 'key_unreadable', 'The file of keys cannot be read.')),
  });
}

/** The command with what tells it which gateway the key is for. Strangers may read it: it tells no private path. */
function keyCommand({ keys, data }: GatewayCommandOptions): string {
  const command = `${ownCommand()} key <name>`;
  if (keys !== undefined) return `${command} --keys <its file of keys>`;
  if (data === undefined && !process.env['LLMESH_DATA']) return command;
  const folder = path.relative('', dataFolder(data));
  const plain = /^[\w-][\w./-]*$|^\.[\w-][\w./-]*$/.test(folder);
  return `${command} --data ${plain ? folder : '<its data folder>'}`;
}

/** Refuses an address that others can reach when nobody said that they may. */
function requireKeys(options: GatewayCommandOptions, keys: number): void {
  const { host, open } = options;
  if (keys > 0 || open === true || isLoopbackHost(host)) return;
  throw new MeshError(
    'control_refused',
    `Others can reach ${host}: make a key first with "${keyCommand(options)}", or let anyone in with --open.`,
  );
}
