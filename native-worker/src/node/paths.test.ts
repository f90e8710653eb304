/** The paths between two homes behind routers, with everything real: routers, coturn, control plane, two processes. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INTERNET_ADDRESS, natMissing, NatNetwork, type Place } from '../testing/nat.ts';
import { programArgs } from '../../../scripts/programs.mjs';
import { Running } from '../testing/process.ts';

const SECRET = 'secret-of-coturn';
const TURN = `${INTERNET_ADDRESS}:3478`;

const COTURN = [
  ...['turnserver', '-n', '--no-cli', '--no-tls', '--no-dtls', '--log-file=stdout', '--pidfile='],
  ...[`--listening-ip=${INTERNET_ADDRESS}`, `--relay-ip=${INTERNET_ADDRESS}`, '--realm=llmesh'],
  ...['--use-auth-secret', `--static-auth-secret=${SECRET}`],
];

const missing =
  natMissing() ??
  (spawnSync('turnserver', ['--version']).error === undefined ? null : 'coturn is missing (Debian: coturn)');
const why = missing === null ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== null)(`two homes behind symmetric NATs${why}`, () => {
  const started: Running[] = [];
  let network: NatNetwork;
  /** One mesh has only STUN to learn addresses, the other one has TURN as well. */
  let stunOnly: Mesh;
  let withTurn: Mesh;

  interface Mesh {
    url: string;
    /** The peer that waits in home b. */
    callee: string;
  }

  const run = (place: Place, args: string[], env: Record<string, string> = {}) => {
    const running = new Running([...network.within(place), ...args], env, 'ip');
    started.push(running);
    return running;
  };
  const node = (program: string, ...args: string[]) => [process.execPath, ...programArgs(program), ...args];
  const peer = (place: Place, mesh: string, ...args: string[]) =>
    run(place, node('native-worker/src/testing/path-peer.ts', '--mesh', mesh, ...args));

  async function openMesh(port: number, env: Record<string, string>): Promise<Mesh> {
    const at = ['--host', '0.0.0.0', '--port', String(port), '--models', 'models'];
    const plane = run('internet', node('signaling/src/main.ts', ...at), env);
    await plane.line((line) => line['ready'] === true);
    const url = `http://${INTERNET_ADDRESS}:${port}`;
    const { peerId } = await peer('home-b', url).line((line) => line['ready'] === true);
    return { url, callee: String(peerId) };
  }

  const dial = async ({ url, callee }: Mesh, ...args: string[]) =>
    peer('home-a', url, '--dial', callee, ...args).line((line) => 'outcome' in line);

  beforeAll(async () => {
    network = new NatNetwork();
    // Its output is not JSON.
    run('internet', ['sh', '-c', 'exec "$@" > /dev/null 2>&1', 'coturn', ...COTURN]);
    [stunOnly, withTurn] = await Promise.all([
      openMesh(7250, { LLMESH_ICE_SERVERS: JSON.stringify([{ urls: `stun:${TURN}` }]) }),
      openMesh(7251, { TURN_SECRET: SECRET, TURN_URLS: `turn:${TURN}` }),
    ]);
  });
  afterAll(async () => {
    for (const running of started) running.kill('SIGKILL');
    await Promise.all(started.map((running) => running.exited));
    network?.close();
  });

  it('a direct connection fails, where one works behind routers of the usual kind', async () => {
    network.setSymmetric(false);
    try {
      expect(await dial(stunOnly, '--over', 'webRtc')).toMatchObject({ outcome: 'direct' });
    } finally {
      network.setSymmetric(true);
    }
    expect(await dial(stunOnly, '--over', 'webRtc', '--timeout-ms', '6000')).toMatchObject({ outcome: 'cancelled' });
  });

  it('a TURN server connects them', async () => {
    expect(await dial(withTurn, '--over', 'webRtc')).toMatchObject({ outcome: 'relay' });
  });

  it('the relay through the control plane connects them, alone and in the race', async () => {
    expect(await dial(stunOnly, '--over', 'relay')).toMatchObject({ outcome: 'relay' });
    expect(await dial(stunOnly)).toMatchObject({ outcome: 'relay' });
  });

  it('one who hides sends nothing to anybody but the control plane, calling or called', async () => {
    const before = network.udpSent('a');
    expect(await dial(withTurn, '--hidden')).toMatchObject({ outcome: 'relay' });
    const { peerId } = await peer('home-a', withTurn.url, '--hidden').line((line) => line['ready'] === true);
    const caller = peer('home-b', withTurn.url, '--dial', String(peerId));
    expect(await caller.line((line) => 'outcome' in line)).toMatchObject({ outcome: 'relay' });
    expect(network.udpSent('a')).toBe(before);
    // A packet would be seen.
    await dial(withTurn);
    expect(network.udpSent('a')).toBeGreaterThan(before);
  });
});
