/** Matches over WebSockets, server and load a process each: with the heartbeats of the fleet and without, and what either process takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import type { FleetProvider } from './provider-fleet.ts';
import { SocketMatches } from './socket-matches.ts';
import { quantile, spread } from './statistics.ts';

/** Enough requests under way for the server to be busy all the time. */
export const SOCKET_PIPELINE = 64;
const SOCKET_SECONDS = 3;
/** Shorter than a provider may be silent. */
const SILENT_SECONDS = 1.5;
const CPU_ANSWER_MS = 5_000;

export type SocketFigures = ReturnType<Tally['figures']>;

/** Runs as in the product, with its rates: many sessions, each of which may send 50 messages a second. */
export async function overSockets(
  everybody: readonly FleetProvider[],
  models: number,
  rounds: number,
  random: () => number,
) {
  const port = await freePort();
  const server = await startProgram('bench/src/matchmaker-server.ts', [String(port)]);
  const sockets = new SocketMatches(port, everybody, models, random);
  const [beating, silent] = [new Tally(), new Tally()];
  try {
    await sockets.fill();
    // The first round warms both up.
    for (let round = 0; round <= rounds; round++) {
      const withBeats = await measure(sockets, server, SOCKET_SECONDS);
      sockets.beating = false;
      const without = await measure(sockets, server, SILENT_SECONDS);
      sockets.beating = true;
      // Now all providers beat again.
      await sleep(1_500);
      if (round === 0) continue;
      beating.add(withBeats);
      silent.add(without);
    }
    const alone = (await sockets.run(1, SOCKET_SECONDS)).matchMs;
    return {
      sessions: sockets.requesters,
      underWay: SOCKET_PIPELINE,
      beating: beating.figures(),
      silent: silent.figures(),
      aloneP50Ms: quantile(alone, 0.5),
      aloneP99Ms: quantile(alone, 0.99),
    };
  } finally {
    sockets.close();
    await server.stop();
  }
}

type Measured = Awaited<ReturnType<typeof measure>>;

async function measure(sockets: SocketMatches, server: Running, seconds: number) {
  const beforeMs = await cpuMs(server);
  const load = process.cpuUsage();
  const beganMs = performance.now();
  const run = await sockets.run(SOCKET_PIPELINE, seconds);
  const tookMs = performance.now() - beganMs;
  const { user, system } = process.cpuUsage(load);
  const serverMs = (await cpuMs(server)) - beforeMs;
  return {
    ...run,
    serverCores: serverMs / tookMs,
    loadCores: (user + system) / 1000 / tookMs,
    matchesPerCoreSecond: (run.matchMs.length * 1000) / serverMs,
  };
}

/** The processor time of the server's process, all threads together. */
async function cpuMs(server: Running): Promise<number> {
  const heard = server.lines.length;
  server.process.kill('SIGUSR2');
  const untilMs = performance.now() + CPU_ANSWER_MS;
  while (server.lines.length === heard) {
    if (performance.now() > untilMs) throw new Error('the server does not say what it took');
    await sleep(2);
  }
  return Number(server.lines.at(-1)?.['cpuMs']);
}

class Tally {
  readonly #runs: Measured[] = [];

  add(run: Measured): void {
    this.#runs.push(run);
  }

  figures() {
    const of = (
      key: 'matchesPerSecond' | 'heartbeatsPerSecond' | 'serverCores' | 'loadCores' | 'matchesPerCoreSecond',
    ) => spread(this.#runs.map((run) => run[key]));
    const times = this.#runs.flatMap(({ matchMs }) => matchMs);
    return {
      matchesPerSecond: of('matchesPerSecond'),
      heartbeatsPerSecond: of('heartbeatsPerSecond'),
      serverCores: of('serverCores'),
      loadCores: of('loadCores'),
      matchesPerCoreSecond: of('matchesPerCoreSecond'),
      waitedForASlot: this.#runs.reduce((sum, { queued }) => sum + queued, 0),
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
    };
  }
}
