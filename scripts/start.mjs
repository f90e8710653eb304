/** `npm start`: a whole mesh on one origin. Builds what is stale, starts control plane, gateway and one provider, and minds them. */
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { survivesLostTerminals } from '../native-worker/bin/lost-terminal.mjs';
import { buildPage, pageIsBuilt } from './build-page.mjs';
import { Child } from './child.mjs';
import { compilePrograms } from './programs.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const EXIT_USAGE = 2;
const EXIT_PORT_IN_USE = 3;
/** The exit code where a person has to do something first. */
const EXIT_HOPELESS = 78;
const MAX_RESTART_SECONDS = 30;
/** A worker that served this long has a fresh start when it stops. */
const PROVEN_MS = 60_000;
const PARENT_CHECK_MS = 250;
/** Errors of the provider or the gateway that another start does not cure. */
const HOPELESS = new Set([
  ...['model_not_found', 'model_unreadable', 'model_integrity'],
  ...['identity_unusable', 'key_unreadable'],
]);
const TINY = 'llmesh-tiny';

const HELP = `Starts a whole mesh on this computer: the page, the control plane, an OpenAI-compatible API under /v1, and one
provider with a tiny model.

Usage: npm start -- [options]

  --port <number>   where to listen (PORT; 7070)
  --host <address>  on which address; 0.0.0.0 lets other computers in (HOST; 127.0.0.1)
  --data <folder>   what outlives a restart (LLMESH_DATA; .data)
  --model <model>   what the provider runs: an id of models/catalogue.json, or a GGUF file (${TINY})
  --no-worker       no provider: only the page, the control plane and the API
  --help            this

Environment: PORT, HOST and LLMESH_DATA stand for the options above, which win.
  LLMESH_ORIGINS, LLMESH_HOSTS, LLMESH_ICE_SERVERS, TURN_URLS, TURN_SECRET, LLMESH_TRUST_PROXY, LLMESH_AUDIT_SHARE,
  LLMESH_AUDITORS, LOG_LEVEL: see node --import tsx signaling/src/main.ts --help
`;

const options = readOptions();
const stopping = new AbortController();
const children = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(0));
survivesLostTerminals();
// npm runs us from a shell: a SIGTERM to npm ends that shell and never reaches us. Only our parent's id tells.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && !stopping.signal.aborted && stop(0), PARENT_CHECK_MS).unref();
}
// Our end, however it comes, takes the children along.
process.on('exit', () => children.forEach((child) => child.kill()));

try {
  await main();
} catch (error) {
  if (!stopping.signal.aborted) {
    console.error(error.message);
    await stop(1);
  }
}

async function main() {
  await requireFreePort();
  if (!pageIsBuilt(ROOT)) {
    const started = performance.now();
    console.log('Building the page…');
    await buildPage(ROOT, stopping.signal);
    console.log(`Built in ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  }
  await afterASecond('Compiling…', compilePrograms());
  const gatewayPort = await freePort();
  const { url, local } = await startControlPlane(gatewayPort);
  const [served] = await Promise.all([options.worker ? startWorker(local) : true, startGateway(local, gatewayPort)]);
  if (stopping.signal.aborted) return;
  console.log(served ? `LLMesh is ready: ${url}` : `LLMesh is ready, still without a provider of its own: ${url}`);
  console.log(`For programs that speak the OpenAI API: ${url}/v1`);
  for (const line of invitations()) console.log(line);
  console.log('Ctrl-C stops it.');
}

async function startControlPlane(gatewayPort) {
  const { port, host, data } = options;
  const gateway = `http://127.0.0.1:${gatewayPort}`;
  const args = ['--port', String(port), '--host', host, '--data', data, '--gateway', gateway];
  const folders = ['--web', join(ROOT, 'web', 'dist'), '--models', join(ROOT, 'models')];
  const child = start('signaling/src/main.ts', [...args, ...folders]);
  void child.ended.then(({ code, why }) => {
    if (stopping.signal.aborted) return;
    console.error(`The control plane ended, and the mesh with it: ${why}`);
    void stop(code === 0 ? 1 : code);
  });
  return afterASecond('Starting the control plane…', child.ready);
}

/** Settles with true when it serves and false when its first start failed, it pauses, or it cannot join; keeps minding it. */
function startWorker(url) {
  const name = options.model === TINY ? 'the tiny model' : options.model;
  // It lends on battery, too: a person who starts a mesh wants to see one.
  const args = ['worker', '--model', options.model, '--mesh', url, '--on-battery', '--json'];
  return afterASecond(`Starting ${name}…`, minded(args, `The provider with ${name}`));
}

/** Only we know its port: all requests come through the control plane, which says who asks. */
function startGateway(url, port) {
  const origins = (process.env.LLMESH_ORIGINS ?? '').split(',').map((origin) => origin.trim());
  const cors = origins.filter(Boolean).flatMap((origin) => ['--cors', origin]);
  return minded(['gateway', '--mesh', url, '--port', String(port), '--proxied', '--json', ...cors], 'The gateway');
}

/** A command of llmesh, see `startWorker`. */
function minded(args, name) {
  return new Promise((settle) => {
    void mind(async () => {
      const child = start('native-worker/src/main.ts', args);
      child.onPaused = (message) => {
        console.log(`${name} pauses. ${message}`);
        settle(false);
      };
      child.onWaiting = (message) => {
        console.log(`${name}: ${message}`);
        settle(false);
      };
      void child.ready.then(
        () => settle(true),
        () => {},
      );
      const end = await child.ended;
      settle(false);
      return end;
    }, name);
  });
}

/** Runs it again whenever it ends: after 1 s, 2 s, 4 s … */
async function mind(run, name) {
  for (let seconds = 1; ; seconds = Math.min(seconds * 2, MAX_RESTART_SECONDS)) {
    const started = performance.now();
    const { why, named, code } = await run();
    if (stopping.signal.aborted) return;
    if (code === EXIT_HOPELESS || HOPELESS.has(named?.code)) {
      console.error(`${name} cannot start: ${why}`);
      return stop(1);
    }
    if (performance.now() - started > PROVEN_MS) seconds = 1;
    console.error(`${name} ended: ${why} Starting it again in ${seconds} s.`);
    try {
      await sleep(seconds * 1000, undefined, { signal: stopping.signal });
    } catch {
      // The signal ended it: the mesh is stopping.
      return;
    }
  }
}

function start(file, args) {
  const child = new Child(ROOT, file, args, { LLMESH_DATA: options.data });
  children.add(child);
  void child.ended.then(() => children.delete(child));
  return child;
}

/** Ends everything, once. Called again, it does not wait. */
async function stop(code) {
  if (stopping.signal.aborted) process.exit(code);
  stopping.abort();
  await Promise.all([...children].map((child) => child.stop()));
  process.exit(code);
}

/** Any free port, for this computer alone. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

function requireFreePort() {
  const { port, host } = options;
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error) => {
      const other = port < 65_535 ? port + 1 : port - 1;
      const inUse = `Port ${port} is in use: is a mesh already running there? Stop it, or choose another with PORT=${other} npm start.`;
      const messages = {
        EADDRINUSE: inUse,
        EACCES: `This account may not listen on port ${port}. Choose one above 1023 with PORT=7070 npm start.`,
        EADDRNOTAVAIL: `${host} is not an address of this computer. Choose another with HOST=0.0.0.0 npm start.`,
        ENOTFOUND: `${host} is not an address of this computer. Choose another with HOST=0.0.0.0 npm start.`,
      };
      console.error(messages[error.code] ?? `Cannot listen on ${host}:${port}: ${error.message}`);
      process.exit(error.code === 'EADDRINUSE' ? EXIT_PORT_IN_USE : 1);
    });
    probe.listen(port, host, () => probe.close(resolve));
  });
}

/** Says how others can come in, if they can. */
function invitations() {
  if (!['0.0.0.0', '::'].includes(options.host)) return [];
  const addresses = Object.values(networkInterfaces())
    .flat()
    .filter((address) => address?.family === 'IPv4' && !address.internal)
    .map(({ address }) => `http://${address}:${options.port}`);
  if (addresses.length === 0) return [];
  return [
    `On your network: ${addresses.join('  ')}`,
    'Browsers there can chat, and lend their processor; to lend a graphics card they need https: docs/run-a-mesh.md.',
    'To lend another computer to this mesh, in a copy of this repository there:',
    `  npm ci && npx --no-install llmesh worker --model ${TINY} --mesh ${addresses[0]}`,
  ];
}

/** Says what it is waiting for, when it has to wait. */
async function afterASecond(line, promise) {
  const timer = setTimeout(() => console.log(line), 1000);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: process.env.PORT || '7070' },
        host: { type: 'string', default: process.env.HOST || '127.0.0.1' },
        data: { type: 'string', default: process.env.LLMESH_DATA || join(ROOT, '.data') },
        model: { type: 'string', default: TINY },
        worker: { type: 'boolean', default: true },
        help: { type: 'boolean', default: false },
      },
      allowNegative: true,
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`${values.port} is not a port: use 1 to 65535.`);
    return { ...values, port };
  } catch (error) {
    console.error(`${error.message}\nnpm start -- --help lists the options.`);
    return process.exit(EXIT_USAGE);
  }
}
