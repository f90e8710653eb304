/**
 * A model in the shape of a real 30B one, lent with `llmesh worker`: how long until it serves, what memory it takes, and
 * how fast it answers through the mesh beside the same file in a loop of node-llama-cpp.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Turn } from '@llmesh/core/protocol';
import type { Lane } from './gateway/lane.ts';
import { openMeshLane } from './gateway/mesh-lane.ts';
import { openRawLanes, type RawLaneOptions } from './gateway/raw-lane.ts';
import { show, spread } from './statistics.ts';
import { moeSize, writeMoe } from './synthetic-moe.ts';

const CONTEXT_TOKENS = 2048;
/** Context, buffers and the programs around it. */
const MEMORY_OVER_FILE = 1.15;
const GB = 1e9;

export interface BigOptions {
  /** The share of the 48 layers. */
  scale: number;
  rounds: number;
  tokens: number;
  threads?: number;
  /** Keeps the file for the next time. */
  keep?: boolean;
}

interface Answer {
  firstTokenMs: number;
  /** The speed after the first token. */
  tokensPerSecond: number;
}

export async function big(options: BigOptions) {
  const { scale, rounds, tokens, threads = Math.max(1, availableParallelism() - 1) } = options;
  const size = moeSize(scale);
  const folder = join(tmpdir(), 'llmesh-bench');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `synthetic-moe-${size.layers}-q4_0.gguf`);
  const lacking = await whatLacks(folder, existsSync(path) ? 0 : size.bytes, size.bytes * MEMORY_OVER_FILE);
  if (lacking !== null) {
    process.stdout.write(`skipped: ${lacking}\n`);
    return { bench: 'big', scale, skipped: lacking };
  }
  try {
    if (!existsSync(path)) await writeMoe(path, size);
    const shape = { path, threads, streams: 1, contextTokens: CONTEXT_TOKENS };
    const measured = await measure(shape, size.bytes * MEMORY_OVER_FILE, rounds, tokens);
    return summary({ ...options, threads }, size, measured);
  } finally {
    if (options.keep !== true) rmSync(path, { force: true });
  }
}

interface Measured {
  /** Whether both were loaded at once, and asked in turns. */
  inTurns: boolean;
  loadMs: number;
  rawLoadMs: number;
  residentBytes: number;
  mesh: Answer[];
  raw: Answer[];
}

async function measure(shape: RawLaneOptions, memoryBytes: number, rounds: number, tokens: number): Promise<Measured> {
  const inTurns = process.availableMemory() >= 2 * memoryBytes;
  const opened: Lane[] = [];
  try {
    const mesh = await openMeshLane(shape);
    opened.push(mesh);
    const alone = inTurns ? null : await answers([mesh], rounds, tokens);
    const residentBytes = await residentBytesOf(mesh.pid);
    // Otherwise there is no room for the other.
    if (!inTurns) await opened.pop()?.close();
    const loadStartMs = performance.now();
    const { raw } = await openRawLanes(shape);
    opened.push(raw);
    const rawLoadMs = performance.now() - loadStartMs;
    const rest = await answers(inTurns ? [mesh, raw] : [raw], rounds, tokens);
    const of = (lane: Lane) => rest.get(lane) ?? alone?.get(lane) ?? [];
    return { inTurns, loadMs: mesh.loadMs, rawLoadMs, residentBytes, mesh: of(mesh), raw: of(raw) };
  } finally {
    for (const lane of opened.toReversed()) await lane.close();
  }
}

/** The first round warms up. */
async function answers(lanes: readonly Lane[], rounds: number, maxTokens: number): Promise<Map<Lane, Answer[]>> {
  const all = new Map<Lane, Answer[]>(lanes.map((lane) => [lane, []]));
  for (let round = 0; round <= rounds; round++) {
    const turns: Turn[] = [{ role: 'user', content: `Question ${round}: what is a mesh of computers good for?` }];
    for (const lane of round % 2 === 0 ? lanes : lanes.toReversed()) {
      const startMs = performance.now();
      const { tokens, firstMs, endMs } = await lane.ask(turns, maxTokens);
      const tokensPerSecond = ((tokens - 1) * 1000) / (endMs - firstMs);
      if (round > 0) all.get(lane)?.push({ firstTokenMs: firstMs - startMs, tokensPerSecond });
    }
  }
  return all;
}

function summary(
  { scale, threads, rounds, tokens }: BigOptions,
  { layers, bytes, parameters }: ReturnType<typeof moeSize>,
  measured: Measured,
) {
  const of = (lane: 'mesh' | 'raw', figure: keyof Answer) => spread(measured[lane].map((answer) => answer[figure]));
  const speed = { mesh: of('mesh', 'tokensPerSecond'), raw: of('raw', 'tokensPerSecond') };
  const first = { mesh: of('mesh', 'firstTokenMs'), raw: of('raw', 'firstTokenMs') };
  const ratio = Number((speed.mesh.median / speed.raw.median).toPrecision(4));
  process.stdout.write(
    [
      `${(parameters / GB).toFixed(2)}B parameters in ${layers} layers, ${(bytes / GB).toFixed(1)} GB, ${threads} thread(s), ${rounds} answers of ${tokens} tokens, ${measured.inTurns ? 'in turns' : 'one after the other'}: median (quartiles, range)`,
      `until it serves         ${(measured.loadMs / 1000).toFixed(1)} s, with its checksum and self-test (loading alone: ${(measured.rawLoadMs / 1000).toFixed(1)} s)`,
      `memory of the worker    ${(measured.residentBytes / GB).toFixed(2)} GB`,
      `tok/s raw               ${show(speed.raw)}`,
      `tok/s through the mesh  ${show(speed.mesh)}: ${ratio} of raw`,
      `first token raw, ms     ${show(first.raw)}`,
      `first token mesh, ms    ${show(first.mesh)}`,
      '',
    ].join('\n'),
  );
  const { inTurns, loadMs, rawLoadMs, residentBytes } = measured;
  return {
    bench: 'big',
    scale,
    layers,
    parameters,
    fileBytes: bytes,
    threads,
    inTurns,
    loadMs,
    rawLoadMs,
    residentBytes,
    tokensPerSecondRatio: ratio,
    tokensPerSecond: speed,
    firstTokenMs: first,
  };
}

/** What this computer lacks, in words for a person; null: nothing. */
async function whatLacks(folder: string, diskBytes: number, memoryBytes: number): Promise<string | null> {
  const { bavail, bsize } = await statfs(folder);
  const freeDisk = bavail * bsize;
  const freeMemory = process.availableMemory();
  const gb = (bytes: number) => `${(bytes / GB).toFixed(1)} GB`;
  if (freeDisk < diskBytes) return `it needs ${gb(diskBytes)} of disk in ${folder}, and ${gb(freeDisk)} are free`;
  if (freeMemory >= memoryBytes) return null;
  return `it needs ${gb(memoryBytes)} of memory, and ${gb(freeMemory)} are free: try a smaller --scale`;
}

async function residentBytesOf(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) * 1024;
}
