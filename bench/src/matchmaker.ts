/** What the matchmaker does in a second: alone on one core, over WebSockets as in the product, and beside Redis. */
import { mulberry32 } from '@llmesh/core/testing/mulberry32';
import { freePort } from '@llmesh/e2e/processes';
import { LocalMatches } from './local-matches.ts';
import { fleet } from './provider-fleet.ts';
import { overSockets, SOCKET_PIPELINE, type SocketFigures } from './matchmaker-sockets.ts';
import { Redis } from './redis.ts';
import { RedisMatches } from './redis-matches.ts';
import { quantile, show, spread, type Spread } from './statistics.ts';

/** Lets Redis be at its best: many commands to a read and a write. */
const REDIS_PIPELINE = 256;
const SEED = 7;

export interface MatchmakerOptions {
  providers: number;
  models: number;
  /** How many rounds of each kind, in turns. */
  rounds: number;
  /** How many matches a round in process has; one on Redis has a fifth. */
  matches: number;
}

export async function matchmaker({ providers, models, rounds, matches }: MatchmakerOptions) {
  const random = mulberry32(SEED);
  const everybody = fleet(providers, models, random);
  const local = new LocalMatches(everybody, models, random);
  const version = Redis.available();
  const redis = version === null ? null : await Redis.start(await freePort());
  const figures = { local: [] as number[], redis: [] as number[], redisAlone: [] as number[], localMs: [] as number[] };
  const ratios = { pipelined: [] as number[], alone: [] as number[] };
  try {
    const onRedis = redis === null ? null : new RedisMatches(redis, everybody, models, random);
    await onRedis?.fill();
    // The first round warms both up.
    for (let round = 0; round <= rounds; round++) {
      local.refresh();
      const own = local.run(matches);
      const piped = await onRedis?.run(matches / 5, REDIS_PIPELINE);
      const alone = await onRedis?.run(matches / 50, 1);
      if (round === 0) continue;
      const perSecond = matches / own.seconds;
      figures.local.push(perSecond);
      figures.localMs.push(...own.matchMs);
      if (piped === undefined || alone === undefined) continue;
      figures.redis.push(piped.matchMs.length / piped.seconds);
      figures.redisAlone.push(median(alone.matchMs));
      ratios.pipelined.push((perSecond * piped.seconds) / piped.matchMs.length);
      ratios.alone.push(median(alone.matchMs) / median(own.matchMs));
    }
  } finally {
    local.close();
    await redis?.close();
  }
  const socket = await overSockets(everybody, models, rounds, mulberry32(SEED));
  const some = (values: number[]): Spread | null => (values.length === 0 ? null : spread(values));
  const result = {
    bench: 'matchmaker',
    providers,
    models,
    rounds,
    bytesPerProvider: local.bytesPerProvider,
    inProcess: { matchesPerSecond: spread(figures.local), ...quantilesUs(figures.localMs) },
    webSocket: socket,
    redis:
      version === null
        ? { skipped: 'redis-server is not installed' }
        : {
            version,
            pipelined: REDIS_PIPELINE,
            matchesPerSecond: some(figures.redis),
            aloneUs: some(figures.redisAlone.map((ms) => ms * 1000)),
            ratioPipelined: some(ratios.pipelined),
            ratioAlone: some(ratios.alone),
          },
  };
  const lines = [
    `${providers} providers, ${models} models, ${rounds} rounds: median (quartiles, range)`,
    `in process, with two heartbeats a match: matches/s  ${show(result.inProcess.matchesPerSecond)}`,
    `  one match, µs: p50 ${result.inProcess.p50Us}, p99 ${result.inProcess.p99Us}; bytes a provider: ${local.bytesPerProvider}`,
    `over WebSockets, ${socket.sessions} sessions, ${SOCKET_PIPELINE} under way, signed:`,
    ...[socketLine('with heartbeats', socket.beating), socketLine('without', socket.silent)],
    `  one at a time, ms: p50 ${socket.aloneP50Ms}, p99 ${socket.aloneP99Ms}`,
  ];
  if (version === null) lines.push('Redis: skipped, redis-server is not installed');
  else {
    lines.push(
      `Redis ${version}, ${REDIS_PIPELINE} under way, the same churn: matches/s  ${show(spread(figures.redis))}`,
      `  in process against that            ${show(spread(ratios.pipelined))} times as many`,
      `  one at a time, in process          ${show(spread(ratios.alone))} times as fast`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  return result;
}

function socketLine(how: string, run: SocketFigures): string {
  return [
    `  ${how}: matches/s ${show(run.matchesPerSecond)}; ms: p50 ${run.p50Ms}, p99 ${run.p99Ms}; heartbeats/s ${run.heartbeatsPerSecond.median}`,
    `    share of a core: server ${run.serverCores.median}, load ${run.loadCores.median}; matches in a second of the server's core ${run.matchesPerCoreSecond.median}`,
  ].join('\n');
}

function quantilesUs(ms: readonly number[]) {
  return { p50Us: quantile(ms, 0.5, 1000), p99Us: quantile(ms, 0.99, 1000) };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
