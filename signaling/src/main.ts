/** The control plane as a process. Says one line of JSON on stdout when it listens; everything else goes to stderr. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/errors';
import { WelcomeSchema, type IceServer } from '@llmesh/core/protocol';
import { DEFAULT_JOIN_WORK_BITS, startControlPlane, type ControlPlane } from './server.ts';

const EXIT_PORT_IN_USE = 3;
const EXIT_FAILED = 1;
/** Some seconds on a computer, half a minute on a phone: peers are given a minute. */
const MOST_JOIN_BITS = 20;
/** After this the process ends, whoever is still connected. */
const SHUTDOWN_MS = 2000;

const program = new Command('llmesh-signaling')
  .description('The control plane of a mesh: introduces peers, knows who offers what, serves the page.')
  .addOption(new Option('--port <port>', 'where to listen').argParser(parsePort).default(7070).env('PORT'))
  .addOption(new Option('--host <address>', 'on which address; 0.0.0.0 is all').default('127.0.0.1').env('HOST'))
  .addOption(
    new Option('--data <folder>', 'for what outlives a restart; nothing does yet').default('.data').env('LLMESH_DATA'),
  )
  .option('--web <folder>', 'the built page', 'web/dist')
  .option('--models <folder>', 'catalogue and model files, served under /models', 'models')
  .addHelpText(
    'after',
    `
Environment:
  LLMESH_ORIGINS      other origins whose pages may connect, with commas between them
  LLMESH_ICE_SERVERS  RTCIceServer list for WebRTC, as JSON
  LLMESH_JOIN_BITS    what joining costs an identity once: 2 to this power hashes, 0 to 20 (default 12)
  LLMESH_TRUST_PROXY  1 behind a reverse proxy that sets X-Forwarded-For
  LOG_LEVEL           trace, debug, info, warn (default), error, fatal or silent`,
  )
  .parse();
const options = program.opts<{
  port: number;
  host: string;
  data: string;
  web: string;
  models: string;
}>();

const log = pino({ level: process.env['LOG_LEVEL'] || 'warn', base: null }, pino.destination({ dest: 2, sync: true }));

process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'the control plane failed');
  process.exit(EXIT_FAILED);
});

let plane: ControlPlane | null = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

try {
  plane = await startControlPlane({
    port: options.port,
    host: options.host,
    webFolder: options.web,
    modelsFolder: options.models,
    iceServers: parseIceServers(process.env['LLMESH_ICE_SERVERS']),
    allowedOrigins: (process.env['LLMESH_ORIGINS'] ?? '')
      .split(',')
      .map((origin) => origin.trim())
      .filter(Boolean),
    joinWorkBits: parseJoinBits(process.env['LLMESH_JOIN_BITS']),
    trustProxy: process.env['LLMESH_TRUST_PROXY'] === '1',
    log,
  });
  process.stdout.write(`${JSON.stringify({ ready: true, url: plane.url })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof MeshError && error.code === 'port_in_use' ? EXIT_PORT_IN_USE : EXIT_FAILED);
}

/** A second signal, or a connection that does not end, must not hold the process. */
function stop(): void {
  setTimeout(() => process.exit(0), SHUTDOWN_MS).unref();
  (plane?.close() ?? Promise.resolve()).then(
    () => process.exit(0),
    (error: unknown) => {
      log.error({ err: error }, 'closing failed');
      process.exit(EXIT_FAILED);
    },
  );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('A port is a number up to 65535.');
  return port;
}

function parseJoinBits(text: string | undefined): number {
  if (!text) return DEFAULT_JOIN_WORK_BITS;
  const bits = Number(text);
  if (!Number.isInteger(bits) || bits < 0 || bits > MOST_JOIN_BITS)
    throw new MeshError('control_refused', `LLMESH_JOIN_BITS is a number from 0 to ${MOST_JOIN_BITS}.`);
  return bits;
}

function parseIceServers(json: string | undefined): readonly IceServer[] {
  if (!json) return [];
  try {
    return v.parse(WelcomeSchema.entries.iceServers, JSON.parse(json));
  } catch (error) {
    throw new MeshError('control_refused', `LLMESH_ICE_SERVERS is no list of RTCIceServer as JSON: ${String(error)}`);
  }
}
