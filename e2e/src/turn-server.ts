/** coturn on this machine alone, as docs/run-a-mesh.md sets it up. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { freePort } from './processes.ts';

const SECRET = 'secret-of-coturn';
/** STUN's Binding Request (RFC 8489 §5): type, length, magic cookie, transaction id. */
const BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');

export interface TurnServer {
  /** The settings for the control plane. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

/** Null when it can run here, else the reason why not. */
export function coturnMissing(): string | null {
  return spawnSync('turnserver', ['--version']).error === undefined ? null : 'coturn is missing (Debian: coturn)';
}

export async function startTurnServer(): Promise<TurnServer> {
  const port = await freePort();
  const child = spawn(
    'turnserver',
    [
      ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file=stdout', '--pidfile=', '--realm=llmesh'],
      ...['--use-auth-secret', `--static-auth-secret=${SECRET}`, '--allow-loopback-peers'],
      ...['--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', `--listening-port=${port}`],
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await answers(port);
  return {
    env: { TURN_SECRET: SECRET, TURN_URLS: `turn:127.0.0.1:${port}` },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Resolves when it answers; rejects after five seconds. */
function answers(port: number): Promise<void> {
  const socket = createSocket('udp4');
  return new Promise<void>((resolve, reject) => {
    const asking = setInterval(() => socket.send(BINDING_REQUEST, port, '127.0.0.1'), 100);
    const tooLate = setTimeout(() => finish(new Error('coturn does not answer')), 5_000);
    const finish = (error?: Error) => {
      clearInterval(asking);
      clearTimeout(tooLate);
      socket.close();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.once('message', () => finish());
  });
}
