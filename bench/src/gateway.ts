/** One file, the same questions, in turns: raw node-llama-cpp, the mesh, a gateway, and llama.cpp's own server. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Turn } from '@llmesh/core/protocol';
import { openGatewayLane } from './gateway/gateway-lane.ts';
import type { Lane, Stream } from './gateway/lane.ts';
import { openLlamaServer } from './gateway/llama-server.ts';
import { openMeshLane } from './gateway/mesh-lane.ts';
import { openOpenAiLane } from './gateway/openai-lane.ts';
import { openRawLanes } from './gateway/raw-lane.ts';
import { processorMs } from './gateway/processor-time.ts';
import { percentile, show, spread, type Spread } from './statistics.ts';
import { syntheticModel } from './synthetic-model.ts';

const TINY = join(import.meta.dirname, '../../models/tiny');
/** How many streams at once. The worker has enough slots for all of them. */
const STREAMS = [1, 4, 8];
const MOST_STREAMS = 8;
const CONTEXT_TOKENS = 2048;

export interface GatewayOptions {
  model: string;
  path: 'mesh' | 'gateway';
  /** The address of a gateway that runs already. */
  baseUrl?: string;
  rounds: number;
  tokens: number;
  threads: number;
}

interface Load {
  tokens: number;
  tokensPerSecond: number;
  /** The median of its streams. */
  firstTokenMs: number;
  /** The time of the computing process for each token; NaN where the system does not say. */
  processorMs: number;
}

export async function gateway(options: GatewayOptions) {
  const tiny = join(TINY, 'llmesh-tiny.gguf');
  const file = options.model === 'tiny' ? tiny : options.model === 'synthetic' ? await syntheticModel() : options.model;
  const shape = { path: file, threads: options.threads, streams: MOST_STREAMS, contextTokens: CONTEXT_TOKENS };
  const lanes: Lane[] = [];
  try {
    const { raw, asDocumented } = await openRawLanes(shape);
    lanes.push(raw, asDocumented);
    if (options.baseUrl === undefined) {
      const mesh = await openMeshLane(shape);
      lanes.push(mesh);
      if (options.path === 'gateway') lanes.push(await openGatewayLane(mesh));
    } else lanes.push(await openOpenAiLane('gateway', options.baseUrl));
    const binary = process.env['LLAMA_SERVER'];
    if (binary !== undefined && binary !== '') lanes.push(await openLlamaServer(binary, shape));
    else process.stdout.write('no llama-server: LLAMA_SERVER names none\n');
    const results = [];
    for (const streams of STREAMS) results.push(summary(streams, lanes, await measure(streams, lanes, options)));
    return { bench: 'gateway', ...options, model: options.model, results };
  } finally {
    for (const lane of lanes.toReversed()) await lane.close();
  }
}

/** Each round asks every lane the same, one after the other, each round another lane first. */
async function measure(streams: number, lanes: readonly Lane[], { rounds, tokens }: GatewayOptions) {
  const loads = new Map<Lane, Load[]>(lanes.map((lane) => [lane, []]));
  const all = questions();
  // The first round warms everything up.
  for (let round = 0; round <= rounds; round++) {
    const asked = Array.from({ length: streams }, (_, i) => all[(round * streams + i) % all.length] ?? '');
    const from = round % lanes.length;
    for (const lane of [...lanes.slice(from), ...lanes.slice(0, from)]) {
      const load = await loaded(lane, asked, tokens);
      if (round > 0) loads.get(lane)?.push(load);
    }
  }
  return loads;
}

async function loaded(lane: Lane, asked: readonly string[], maxTokens: number): Promise<Load> {
  const before = processorMs(lane.pid);
  const startMs = performance.now();
  const turns = (content: string): Turn[] => [{ role: 'user', content }];
  const streams: Stream[] = await Promise.all(asked.map((question) => lane.ask(turns(question), maxTokens)));
  const tokens = streams.reduce((sum, stream) => sum + stream.tokens, 0);
  const endMs = Math.max(...streams.map((stream) => stream.endMs));
  const after = processorMs(lane.pid);
  return {
    tokens,
    tokensPerSecond: (tokens * 1000) / (endMs - startMs),
    processorMs: before === null || after === null ? NaN : (after - before) / tokens,
    firstTokenMs: percentile(
      streams.map(({ firstMs }) => firstMs - startMs),
      50,
    ),
  };
}

/** Compares every lane with each peer, round by round. */
function summary(streams: number, lanes: readonly Lane[], loads: ReadonlyMap<Lane, readonly Load[]>) {
  const of = (lane: Lane) => loads.get(lane) ?? [];
  const peers = lanes.filter(({ name }) => name === 'raw' || name === 'llama-server');
  process.stdout.write(`${streams} at once: median (quartiles, range)\n`);
  return lanes.map((lane) => {
    const own = figures(of(lane));
    process.stdout.write(`  ${lane.name}: ${describe(own, '')}\n`);
    const others = lane.name.startsWith('raw') ? [] : peers.filter((peer) => peer !== lane);
    const ratios = others.map((peer) => {
      const ratio = figures(of(lane).map((load, i) => beside(load, of(peer)[i])));
      process.stdout.write(`    of ${peer.name}: ${describe(ratio, '× ')}\n`);
      return { peer: peer.name, ...ratio };
    });
    return { streams, lane: lane.name, ...own, ratios };
  });
}

type Figure = Exclude<keyof Load, 'tokens'>;
type Figures = Record<'tokensPerSecond' | 'firstTokenMs', Spread> & { processorMs: Spread | null };

function beside(load: Load, other: Load | undefined): Record<Figure, number> {
  const ratio = (figure: Figure) => load[figure] / (other?.[figure] ?? NaN);
  return {
    tokensPerSecond: ratio('tokensPerSecond'),
    firstTokenMs: ratio('firstTokenMs'),
    processorMs: ratio('processorMs'),
  };
}

function figures(loads: readonly Record<Figure, number>[]): Figures {
  const processor = loads.map(({ processorMs: ms }) => ms);
  return {
    tokensPerSecond: spread(loads.map(({ tokensPerSecond }) => tokensPerSecond)),
    firstTokenMs: spread(loads.map(({ firstTokenMs }) => firstTokenMs)),
    processorMs: processor.some(Number.isNaN) ? null : spread(processor),
  };
}

function describe({ tokensPerSecond, firstTokenMs, processorMs: processor }: Figures, times: string): string {
  return [
    `tok/s ${times}${show(tokensPerSecond)}`,
    `first token, ms ${times}${show(firstTokenMs)}`,
    ...(processor === null ? [] : [`processor, ms a token ${times}${show(processor)}`]),
  ].join('; ');
}

/** The longest answers first. */
function questions(): string[] {
  const all = JSON.parse(readFileSync(join(TINY, 'questions.json'), 'utf8')) as { question: string; answer: string }[];
  return all.toSorted((a, b) => b.answer.length - a.answer.length).map(({ question }) => question);
}
