/**
 * Models from peers: against one plain download at the rate of the server, against a data channel with nothing above it, among
 * liars, killed again and again, and beside an answer on the same link. Every peer is a process of its own.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import { benchModel } from './bench-model.ts';
import type { BenchModel, Deceit, Fetched } from './messages.ts';
import { PeerProcess } from './peer-process.ts';
import { SlowSource } from './source.ts';
import { percentile } from '../statistics.ts';

const SOURCE_BYTES_PER_SECOND = 1_000_000;
const PIECE_BYTES = 1_048_576;
const WORDS_PER_SECOND = 40;
const LIARS: readonly Deceit[] = ['wrong pieces', 'silence', 'what it lacks'];

export const PARTS = ['joining', 'throughput', 'hostile', 'killed', 'chat'] as const;
type Part = (typeof PARTS)[number];

export interface SwarmOptions {
  mb: number;
  joiners: number;
  kills: number;
  rounds: number;
  /** Left out: all. */
  part?: Part;
}

export async function swarm(options: SwarmOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-bench-swarm-'));
  const run = await Run.start(folder, options);
  try {
    const model = await benchModel(join(folder, 'model.gguf'), options.mb * 1_000_000);
    const { part } = options;
    const measured = async <Result>(name: Part, measure: () => Promise<Result>) =>
      part === undefined || part === name ? measure() : null;
    const joining = await measured('joining', () => run.joinTogether(model));
    const throughput = await measured('throughput', () => run.throughput(model));
    const hostile = await measured('hostile', () => run.hostile(model));
    const killed = await measured('killed', () => run.killed(model));
    const chat = await measured('chat', () => run.chat(model));
    return {
      bench: 'swarm',
      timeRatio: joining?.timeRatio ?? null,
      sourceCopies: joining?.sourceCopies ?? null,
      // Measured by the end-to-end tests, which have browsers.
      browserThroughputRatio: null,
      nodeThroughputRatio: throughput?.nodeThroughputRatio ?? null,
      hostileTimeRatio: hostile?.hostileTimeRatio ?? null,
      refetchedPiecesMax: killed?.refetchedPiecesMax ?? null,
      wrongBytes: run.wrongBytes,
      tabMemoryMiB: null,
      chatSlowdown: chat?.chatSlowdown ?? null,
    };
  } finally {
    await run.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

class Run {
  readonly #folder: string;
  readonly #options: SwarmOptions;
  readonly #plane: Running;
  readonly #mesh: string;
  /** Of files that were loaded and are not what they should be: all of each. */
  wrongBytes = 0;
  readonly #peers = new Set<PeerProcess>();
  #sha256: Promise<string> | null = null;
  #folders = 0;

  private constructor(folder: string, options: SwarmOptions, plane: Running, mesh: string) {
    this.#folder = folder;
    this.#options = options;
    this.#plane = plane;
    this.#mesh = mesh;
  }

  static async start(folder: string, options: SwarmOptions): Promise<Run> {
    const port = await freePort();
    const plane = await startProgram('signaling/src/main.ts', ['--port', String(port)]);
    return new Run(folder, options, plane, `http://127.0.0.1:${port}`);
  }

  async stop(): Promise<void> {
    for (const peer of this.#peers) await peer.end();
    await this.#plane.stop();
  }

  /** All begin at once, and nobody has anything but the server. */
  async joinTogether(model: BenchModel): Promise<{ timeRatio: number; sourceCopies: number }> {
    const alone = await SlowSource.start(model, SOURCE_BYTES_PER_SECOND);
    const beginMs = performance.now();
    const response = await fetch(alone.url);
    await response.arrayBuffer();
    const aloneMs = performance.now() - beginMs;
    await alone.stop();
    const source = await SlowSource.start(model, SOURCE_BYTES_PER_SECOND);
    const peers = await Promise.all(Array.from({ length: this.#options.joiners }, () => this.#join()));
    const startMs = performance.now();
    const fetched = await Promise.all(
      peers.map((peer) => peer.ask<Fetched>({ do: 'fetch', model, source: source.url, lend: true })),
    );
    const ms = performance.now() - startMs;
    await this.#check(model, fetched);
    const sourceCopies = source.sentBytes / model.sizeBytes;
    await source.stop();
    await this.#leave(peers);
    const [timeRatio, copies] = [rounded(ms / aloneMs), rounded(sourceCopies)];
    say(
      `${peers.length} peers, one server of 1 MB/s: ${seconds(ms)}, one plain download ${seconds(aloneMs)}: ratio ${timeRatio}; the server sent ${copies} copies`,
    );
    return { timeRatio, sourceCopies: copies };
  }

  /** From one peer to another, beside a data channel that carries as many bytes. */
  async throughput(model: BenchModel): Promise<{ nodeThroughputRatio: number }> {
    const lender = await this.#lender(model);
    const ratios: number[] = [];
    for (let round = 0; round <= this.#options.rounds; round++) {
      const rawMs = await this.#raw(model.sizeBytes);
      const peer = await this.#join();
      const fetched = await peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false });
      await this.#check(model, [fetched]);
      await this.#leave([peer]);
      // The first round warms up.
      if (round === 0) continue;
      const rawRate = (model.sizeBytes / rawMs) * 1000;
      ratios.push(fetched.bytesPerSecond / rawRate);
      say(`raw channel ${rate(rawRate)}, pieces ${rate(fetched.bytesPerSecond)}, all in all ${seconds(fetched.ms)}`);
    }
    await this.#leave([lender]);
    return { nodeThroughputRatio: percentile(ratios, 50) };
  }

  /** Two honest lenders, without and with three that are not. */
  async hostile(model: BenchModel): Promise<{ hostileTimeRatio: number }> {
    const lenders = [await this.#lender(model), await this.#lender(model)];
    const [alone, among]: [number[], number[]] = [[], []];
    const measure = async (into: number[]) => {
      for (let round = 0; round < this.#options.rounds; round++) {
        const peer = await this.#join();
        const fetched = await peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false });
        await this.#check(model, [fetched]);
        await this.#leave([peer]);
        into.push(fetched.ms);
      }
    };
    await measure(alone);
    const liars = await Promise.all(
      LIARS.map(async (deceit) => {
        const liar = this.#start();
        await liar.ask({ do: 'lie', mesh: this.#mesh, model, deceit });
        return liar;
      }),
    );
    await measure(among);
    await this.#leave([...lenders, ...liars]);
    const hostileTimeRatio = rounded(percentile(among, 50) / percentile(alone, 50));
    say(
      `two lenders ${seconds(percentile(alone, 50))}, with a liar, a staller and a boaster beside them ${seconds(percentile(among, 50))}: ratio ${hostileTimeRatio}`,
    );
    return { hostileTimeRatio };
  }

  /** Killed at random points, and begun again with what is on the disk. */
  async killed(model: BenchModel): Promise<{ refetchedPiecesMax: number }> {
    const lender = await this.#lender(model);
    const folder = this.#newFolder();
    let [refetchedPiecesMax, kept, kills] = [0, 0, 0];
    while (kills < this.#options.kills) {
      const peer = this.#start();
      await peer.ask({ do: 'join', mesh: this.#mesh, folder });
      const toCome = (model.sizeBytes - kept) * Math.random() * 0.2;
      const report = peer.watch((loadedBytes) => loadedBytes - kept >= toCome);
      const fetching = peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false }).catch(() => null);
      const startedBytes = await report.started;
      refetchedPiecesMax = Math.max(refetchedPiecesMax, Math.ceil((kept - startedBytes) / PIECE_BYTES));
      await Promise.race([report.reached, fetching]);
      await peer.end('SIGKILL');
      this.#peers.delete(peer);
      kept = report.loadedBytes;
      kills += 1;
      if (kept >= model.sizeBytes) break;
    }
    const last = this.#start();
    await last.ask({ do: 'join', mesh: this.#mesh, folder });
    await this.#check(model, [await last.ask<Fetched>({ do: 'fetch', model, source: null, lend: false })]);
    await this.#leave([lender, last]);
    say(
      `killed ${kills} times: at most ${refetchedPiecesMax} pieces were fetched again; wrong bytes: ${this.wrongBytes}`,
    );
    return { refetchedPiecesMax };
  }

  /** An answer, alone and while a model comes over the same link. */
  async chat(model: BenchModel): Promise<{ chatSlowdown: number }> {
    const lender = await this.#lender(model);
    await lender.ask({ do: 'provide', wordsPerSecond: WORDS_PER_SECOND });
    const slowdowns: number[] = [];
    for (let round = 0; round < this.#options.rounds; round++) {
      const peer = await this.#join();
      const alone = await peer.ask<number>({ do: 'ask' });
      const beside = peer.ask<number>({ do: 'ask' });
      let answered = false;
      const ended = beside.finally(() => (answered = true));
      await peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false });
      const whole = answered;
      const words = await ended;
      slowdowns.push(1 - words / alone);
      say(
        `an answer alone ${alone.toFixed(1)} words/s, on the link of a transfer ${words.toFixed(1)}${whole ? '' : '; the transfer ended first'}`,
      );
      await this.#leave([peer]);
    }
    await this.#leave([lender]);
    return { chatSlowdown: rounded(percentile(slowdowns, 50)) };
  }

  async #raw(bytes: number): Promise<number> {
    const [near, far] = [this.#start(), this.#start()];
    const offer = await near.ask<string>({ do: 'raw offer' });
    const answer = await far.ask<string>({ do: 'raw answer', sdp: offer });
    await near.ask({ do: 'raw answered', sdp: answer });
    const received = far.ask<number>({ do: 'raw receive', bytes });
    await near.ask({ do: 'raw send', bytes });
    const ms = await received;
    await this.#leave([near, far]);
    return ms;
  }

  async #lender(model: BenchModel): Promise<PeerProcess> {
    const peer = await this.#join();
    await peer.ask({ do: 'lend', model });
    return peer;
  }

  async #join(): Promise<PeerProcess> {
    const peer = this.#start();
    await peer.ask({ do: 'join', mesh: this.#mesh, folder: this.#newFolder() });
    return peer;
  }

  #start(): PeerProcess {
    const peer = new PeerProcess();
    this.#peers.add(peer);
    return peer;
  }

  async #leave(peers: readonly PeerProcess[]): Promise<void> {
    await Promise.all(peers.map((peer) => peer.end()));
    for (const peer of peers) this.#peers.delete(peer);
  }

  #newFolder(): string {
    return join(this.#folder, `peer-${this.#folders++}`);
  }

  /** Throws when any of them has another file. */
  async #check(model: BenchModel, fetched: readonly Fetched[]): Promise<void> {
    this.#sha256 ??= hashOf(model.path);
    const right = await this.#sha256;
    this.wrongBytes += fetched.filter(({ sha256 }) => sha256 !== right).length * model.sizeBytes;
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const rate = (bytesPerSecond: number) => `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
const rounded = (value: number) => Math.round(value * 1000) / 1000;
