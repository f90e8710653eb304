/**
 * `npm run fuzz -- --frames 1000000 [--seed N]`: damaged input for every decoder that sees the bytes of strangers. What
 * reached code that no input had reached is damaged further. Ends with one line of JSON; with code 1 and a repro when
 * a decoder did anything but accept or refuse.
 */
import { readFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Command, InvalidArgumentError } from 'commander';
import { fuzz, SLOW_MS, type FuzzCounts } from '@llmesh/core/suites/fuzz';
import { messageDecoders } from '@llmesh/core/suites/message-decoders';
import { signedDecoders } from '@llmesh/core/suites/signed-decoders';
import { ggufHeaders } from './gguf-headers.ts';
import { signalTarget } from '../../signaling/src/testing/signal-target.ts';

/** From here on the heap is measured: by then caches are filled and code is compiled. */
const WARM_UP_SHARE = 0.1;
/** Nothing that a stranger sends may keep a computer busy for so long. */
const HANG_MS = 5_000;

const whole = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number');
  return value;
};
const options = new Command('fuzz')
  .description('Damaged input for every decoder that sees the bytes of strangers.')
  .option('--frames <n>', 'how many', whole, 1_000_000)
  .option('--seed <n>', 'the same seed damages the same way while the code is the same', whole, Date.now() % 2 ** 32)
  .parse()
  .opts<{ frames: number; seed: number }>();

/** Node's own coverage, of blocks: https://chromedevtools.github.io/devtools-protocol/v8/Profiler/ */
class Coverage {
  #session = new Session();
  /** Of each function that ran, the blocks that never did, by where they begin and end. */
  #never = new Map<string, Map<number, number>>();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  }

  reachedNew(): boolean {
    let reached = false;
    this.#session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error !== null) throw error;
      for (const { url, scriptId, functions } of coverage.result) {
        if (!DECODERS.test(url)) continue;
        for (const { ranges } of functions) reached = this.#add(scriptId, ranges) || reached;
      }
    });
    return reached;
  }

  close(): void {
    this.#session.disconnect();
  }

  #add(scriptId: string, [whole, ...blocks]: Profiler.CoverageRange[]): boolean {
    if (whole === undefined || whole.count === 0) return false;
    const missed = new Map(
      blocks.filter(({ count }) => count === 0).map(({ startOffset, endOffset }) => [startOffset, endOffset]),
    );
    const key = `${scriptId} ${whole.startOffset}`;
    const never = this.#never.get(key);
    this.#never.set(key, never ?? missed);
    if (never === undefined) return true;
    const reached = [...never].filter(([start, end]) => missed.get(start) !== end);
    for (const [start] of reached) never.delete(start);
    for (const [start, end] of missed) {
      // What lies within a block that was reached for the first time had no entry of its own until now.
      if (reached.some((block) => block[0] <= start && end <= block[1])) never.set(start, end);
    }
    return reached.length > 0;
  }
}

const DECODERS = /\/core\/src\/(?!suites\/)|\/web\/src\/|\/signaling\/src\/|\/@msgpack\/|\/valibot\//;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
function heapMegabytes(): number {
  gc();
  return process.memoryUsage().heapUsed / 1_048_576;
}

const catalogue: unknown = JSON.parse(readFileSync(new URL('../../models/catalogue.json', import.meta.url), 'utf8'));
const targets = [...messageDecoders(catalogue), ...(await signedDecoders()), ggufHeaders(), signalTarget()];
const coverage = new Coverage();
const startMs = performance.now();
let saidMs = startMs;
let heapBefore: number | null = null;

function progress(counts: FuzzCounts): void {
  if (heapBefore === null && counts.frames >= options.frames * WARM_UP_SHARE) heapBefore = heapMegabytes();
  const nowMs = performance.now();
  if (nowMs - saidMs < 1_000) return;
  saidMs = nowMs;
  const { frames, accepted, kept } = counts;
  const perSecond = Math.round((frames * 1_000) / (nowMs - startMs));
  process.stdout.write(`${frames} of ${options.frames} frames, ${perSecond}/s, ${accepted} accepted, ${kept} kept\n`);
}

process.stdout.write(`seed ${options.seed}: ${targets.map(({ name }) => name).join('; ')}\n`);
const { failure, ...counts } = await fuzz(targets, {
  ...{ frames: options.frames, seed: options.seed, now: () => performance.now(), progress },
  reachedNew: () => coverage.reachedNew(),
});
coverage.close();
const seconds = (performance.now() - startMs) / 1_000;
if (failure !== null) {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  process.stdout.write(
    [
      `${failure.target} failed at frame ${counts.frames} of seed ${options.seed}:`,
      failure.reason instanceof Error ? (failure.reason.stack ?? failure.reason.message) : String(failure.reason),
      `as found: ${base64(failure.input)}`,
      `smallest: ${base64(failure.smallest)}`,
      '',
    ].join('\n'),
  );
}
const hung = counts.slowestMs > HANG_MS;
if (hung) process.stdout.write(`One input kept its decoder busy for ${Math.round(counts.slowestMs)} ms.\n`);
const round = (value: number) => Math.round(value * 10) / 10;
process.stdout.write(
  `${JSON.stringify({
    ...{ fuzz: 'decoders', frames: counts.frames, seed: options.seed, seconds: round(seconds) },
    perSecond: Math.round(counts.frames / seconds),
    ...{ accepted: counts.accepted, refused: counts.refused, crashes: failure === null ? 0 : 1, kept: counts.kept },
    ...{
      [`slowerThan${SLOW_MS}ms`]: counts.slow,
      slowestMs: round(counts.slowestMs),
      slowestTarget: counts.slowestTarget,
    },
    heapGrowthMB: heapBefore === null ? null : round(heapMegabytes() - heapBefore),
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1_024),
  })}\n`,
);
process.exitCode = failure !== null || hung ? 1 : 0;
