/** The control plane as a process. Prints one line of JSON on stdout when it listens; the rest goes to stderr. */
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command, InvalidArgumentError, Option } from 'commander';
import { pino } from 'pino';
import * as v from 'valibot';
import { MeshError } from '@llmesh/core/base/errors';
import { readHosts } from '@llmesh/core/base/host-guard';
import { CREDIT_MODES, type CreditMode } from '@llmesh/core/wire/credit-messages';
import { WelcomeSchema, type IceServer } from '@llmesh/core/wire/control-protocol';
import { isPeerId, type PeerId } from '@llmesh/core/base/ids';
import { AUDIT_TERMS } from './audit/share/audit-terms.ts';
import { DELIVERY_LIMITS } from './receipts/delivery-store.ts';
import type { TurnOptions } from './session/ice-servers.ts';
import { DEFAULT_RELAY_LIMITS } from './relay/relay.ts';
import { readGenesisAt } from './store/genesis-file.ts';
import { maintain } from './restore/maintain.ts';
import { DEFAULT_JOIN_WORK_BITS, startControlPlane, type ControlPlane } from './server.ts';

const EXIT_PORT_IN_USE = 3;
const EXIT_FAILED = 1;
/** Some seconds of work on a computer, half a minute on a phone: peers are given a minute. */
const MOST_JOIN_BITS = 20;
/** After this the process ends, even if someone is still connected. */
const SHUTDOWN_MS = 2000;
/** An unread log grows no further. */
const MAX_UNREAD_BYTES = 1 << 20;
/** Characters that JSON keeps and a terminal obeys or hides: C1 controls, direction marks, tags. */
const UNSEEN = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

type StandardStream = NodeJS.WriteStream & { _handle?: { setBlocking?: (blocking: boolean) => void } };

const program = new Command('llmesh-signaling')
  .description('The control plane of a mesh: introduces peers, knows who offers what, serves the page.')
  .addOption(new Option('--port <port>', 'where to listen').argParser(parsePort).default(7070).env('PORT'))
  .addOption(
    new Option('--host <address>', 'the address to listen on; 0.0.0.0 means all').default('127.0.0.1').env('HOST'),
  )
  .addOption(
    new Option('--data <folder>', 'where the key and the receipts are kept; without it they are forgotten').env(
      'LLMESH_DATA',
    ),
  )
  .option('--genesis <file>', 'the genesis of its network; the data folder keeps it (default: the one there, or none)')
  .option('--web <folder>', 'the built page', 'web/dist')
  .option('--models <folder>', 'catalogue and model files, served under /models', 'models')
  .option('--backup <folder>', 'only this: copy the data folder, also while the mesh runs')
  .option('--rebuild', 'only this: make events that mesh.db lacks again from the log, while the mesh does not run')
  .addOption(new Option('--gateway <url>', 'a gateway on this computer that answers under /v1').argParser(parseGateway))
  .addHelpText(
    'after',
    `
Environment:
  LLMESH_ORIGINS      other origins whose pages may connect, with commas between them
  LLMESH_HOSTS        what the mesh is dialled as, as mesh.example or mesh.example:7070, with commas between them;
                      asked by another name, it answers nobody
  LLMESH_ICE_SERVERS  RTCIceServer list for WebRTC, as JSON
  TURN_URLS           TURN servers of yours, as turn:turn.example.org:3478, with commas between them
  TURN_SECRET         what coturn has as static-auth-secret; peers get credentials made from it
  LLMESH_RELAY_LINKS  links relayed through this server at once (default 1000); 0: none
  LLMESH_RELAY_KIB    KiB a second that one peer may send through it (default 512)
  LLMESH_RECEIPTS     receipts kept whole, 1.7 KB each (default 250000); of more, the oldest are added up
  LLMESH_JOIN_BITS    what joining costs an identity once: 2 to this power hashes, 0 to 20 (default 12)
  LLMESH_CREDITS      priority (default): who has credits goes first; required: who has none is refused; off: there are none
  LLMESH_WITNESSES    a policy file with the witnesses of the log, see docs/verify.md (default: nobody has to sign it but this server)
  LLMESH_AUDIT_SHARE  the share of answers whose computation is checked by others, 0 to 1 (default 0.02, or what was voted since); 0: none
  LLMESH_AUDIT_EPOCH_MS  how long receipts are gathered for one draw, in milliseconds (default 10000)
  LLMESH_AUDIT_TENURE_MS  how long one must have offered a file before it checks answers with it, in milliseconds (default 600000)
  LLMESH_AUDITORS     peer ids of auditors of yours, with commas between them: they count as independent of everyone
  LLMESH_FORGIVEN     peer ids of providers whose standing begins anew, as after an appeal
  LLMESH_CALIBRATIONS  a JSON file with the honest noise of more pairs of engines, see docs/proof.md
  LLMESH_TRUST_PROXY  1 behind a reverse proxy that sets X-Forwarded-For and X-Forwarded-Host
  LOG_LEVEL           trace, debug, info, warn (default), error, fatal or silent`,
  )
  .parse();
const options = program.opts<{
  port: number;
  host: string;
  data?: string;
  genesis?: string;
  web: string;
  models: string;
  gateway?: URL;
  backup?: string;
  rebuild?: true;
}>();

// The reader of our output may go away, stall, or have no room: that loses log lines, and nothing else.
for (const stream of [process.stdout, process.stderr] as StandardStream[]) {
  stream.on('error', () => {});
  // By default Node lets a stalled terminal, as after Ctrl-S, block the event loop.
  if (stream.isTTY) stream._handle?.setBlocking?.(false);
}
// Node restores terminals when it ends, and crashes when one is gone.
const terminals = [0, 1, 2].filter((fd) => isatty(fd));
process.on('exit', () => terminals.filter((fd) => !isatty(fd)).forEach((fd) => closeSync(fd)));
const log = pino({ level: process.env['LOG_LEVEL'] || 'warn', base: null }, { write: writeLog });

process.on('uncaughtException', (error) => {
  log.fatal({ err: error }, 'the control plane failed');
  process.exit(EXIT_FAILED);
});

let plane: ControlPlane | null = null;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);

try {
  if (options.backup !== undefined || options.rebuild === true) {
    process.stdout.write(`${await maintain(options)}\n`);
    process.exit(0);
  }
  plane = await startControlPlane({
    port: options.port,
    host: options.host,
    webFolder: options.web,
    modelsFolder: options.models,
    dataFolder: options.data ?? null,
    genesis: options.genesis === undefined ? null : await readGenesisAt(options.genesis),
    gateway: options.gateway ?? null,
    iceServers: parseIceServers(process.env['LLMESH_ICE_SERVERS']),
    turn: parseTurn(process.env['TURN_SECRET'], parseList(process.env['TURN_URLS'])),
    relay: {
      maxLinks: parseCount('LLMESH_RELAY_LINKS', DEFAULT_RELAY_LIMITS.maxLinks, 0, 100_000),
      bytesPerSecond: 1024 * parseCount('LLMESH_RELAY_KIB', DEFAULT_RELAY_LIMITS.bytesPerSecond / 1024, 1, 1_048_576),
    },
    allowedOrigins: parseList(process.env['LLMESH_ORIGINS']),
    hosts: readHosts(process.env['LLMESH_HOSTS']),
    deliveries: { rows: parseCount('LLMESH_RECEIPTS', DELIVERY_LIMITS.rows, 1_000, 100_000_000) },
    joinWorkBits: parseCount('LLMESH_JOIN_BITS', DEFAULT_JOIN_WORK_BITS, 0, MOST_JOIN_BITS),
    trustProxy: process.env['LLMESH_TRUST_PROXY'] === '1',
    witnesses: process.env['LLMESH_WITNESSES'] || null,
    credits: parseMode(process.env['LLMESH_CREDITS']),
    audits: {
      share: parseShare('LLMESH_AUDIT_SHARE', AUDIT_TERMS.share),
      epochMs: parseCount('LLMESH_AUDIT_EPOCH_MS', AUDIT_TERMS.epochMs, 100, 3_600_000),
      tenureMs: parseCount('LLMESH_AUDIT_TENURE_MS', AUDIT_TERMS.tenureMs, 0, 86_400_000),
      platform: new Set(parsePeers('LLMESH_AUDITORS')),
    },
    forgiven: parsePeers('LLMESH_FORGIVEN'),
    calibrationsFile: process.env['LLMESH_CALIBRATIONS'] || null,
    log,
  });
  process.stdout.write(`${JSON.stringify({ ready: true, url: plane.url, local: plane.local })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof MeshError && error.code === 'port_in_use' ? EXIT_PORT_IN_USE : EXIT_FAILED);
}

function writeLog(line: string): void {
  if (process.stderr.writableLength < MAX_UNREAD_BYTES) process.stderr.write(line.replace(UNSEEN, ''));
}

/** A second signal, or a connection that does not end, must not hold up the process. */
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

function parseGateway(text: string): URL {
  if (URL.canParse(text) && new URL(text).protocol === 'http:') return new URL(text);
  throw new InvalidArgumentError('A gateway is an address like http://127.0.0.1:7080.');
}

function parseList(text = ''): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean);
}

/** A whole number from the environment. */
function parseCount(variable: string, usual: number, least: number, most: number): number {
  const text = process.env[variable];
  if (!text) return usual;
  const count = Number(text);
  if (!Number.isInteger(count) || count < least || count > most)
    throw new MeshError('control_refused', `${variable} is a number from ${least} to ${most}.`);
  return count;
}

function parseMode(text: string | undefined): CreditMode {
  const mode = CREDIT_MODES.find((known) => known === (text || 'priority'));
  if (mode === undefined)
    throw new MeshError('control_refused', `LLMESH_CREDITS is one of: ${CREDIT_MODES.join(', ')}.`);
  return mode;
}

/** A share from the environment. */
function parseShare(variable: string, usual: number): number {
  const text = process.env[variable];
  if (!text) return usual;
  const share = Number(text);
  if (!(share >= 0 && share <= 1))
    throw new MeshError('control_refused', `${variable} is a number from 0 (none) to 1 (all).`);
  return share;
}

function parsePeers(variable: string): PeerId[] {
  const ids = parseList(process.env[variable]);
  const wrong = ids.find((id) => !isPeerId(id));
  if (wrong !== undefined)
    throw new MeshError(
      'control_refused',
      `${variable} has "${wrong}", which is no peer id: "llmesh identity show" says it.`,
    );
  return ids.filter(isPeerId);
}

function parseTurn(secret: string | undefined, urls: readonly string[]): TurnOptions | null {
  if (!secret && urls.length === 0) return null;
  const right = urls.every((url) => /^turns?:[^\s]+$/i.test(url));
  if (!secret || urls.length === 0 || urls.length > 8 || !right) {
    throw new MeshError(
      'control_refused',
      'TURN_SECRET and TURN_URLS go together: up to eight addresses like turn:turn.example.org:3478, separated by commas.',
    );
  }
  return { secret, urls };
}

function parseIceServers(json: string | undefined): readonly IceServer[] {
  if (!json) return [];
  try {
    return v.parse(WelcomeSchema.entries.iceServers, JSON.parse(json));
  } catch (error) {
    throw new MeshError('control_refused', `LLMESH_ICE_SERVERS is not a JSON list of RTCIceServer: ${String(error)}`);
  }
}
