/**
 * `npm run fuzz -- --frames 1000000 [--seed N]`: damaged input for every decoder that sees the bytes of strangers. What
 * reached code that no input had reached is damaged further. An input that takes long, or much memory, is a finding, and
 * one that never comes back is ended. Ends with one line of JSON, and with code 1 and a repro when there was a finding.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Command, InvalidArgumentError } from 'commander';
import { LARGE_BYTES, SLOW_MS, type FuzzCounts, type FuzzFinding } from '@llmesh/core/fuzz/fuzz';
import type { FuzzReport, FuzzRun } from './fuzz-run.ts';
import { InputNote } from './input-note.ts';

/** An input that computes for so long does not come back; nor one for which nothing computes, for all that time. */
const HANG_MS = 5_000;
const LOST_MS = 120_000;
const LOOK_MS = 250;
/** The most memory of the whole process, and of JavaScript's own objects, at which V8 itself ends the thread. */
const MAX_RSS_BYTES = 3 * 1_073_741_824;
const MAX_HEAP_MB = 2_048;
/** A finding longer than this is shown by its beginning. */
const MAX_REPRO_BYTES = 16_384;

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

const say = (line: string) => process.stdout.write(`${line}\n`);
const round = (value: number) => Math.round(value * 10) / 10;
const base64 = (bytes: Uint8Array) => {
  const cut = bytes.byteLength > MAX_REPRO_BYTES ? ` … (${bytes.byteLength} bytes)` : '';
  return `${Buffer.from(bytes.subarray(0, MAX_REPRO_BYTES)).toString('base64')}${cut}`;
};

const note = new InputNote();
const startMs = performance.now();
let names: string[] = [];
let last: FuzzCounts | null = null;
const ended: Extract<FuzzReport, { type: 'end' }>[] = [];
/** Why the thread was ended, or ended on its own. */
let broke: string | null = null;

const run: FuzzRun = { ...options, note: note.buffer };
// The loader that lets Node read TypeScript is not handed on to threads.
const program = JSON.stringify(new URL('./fuzz-run.ts', import.meta.url).href);
const thread = new Worker(`import('tsx/esm/api').then(({ register }) => (register(), import(${program})))`, {
  eval: true,
  workerData: run,
  resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
});
thread.on('message', (report: FuzzReport) => {
  if (report.type === 'targets') {
    names = report.names;
    say(`seed ${options.seed}: ${names.join('; ')}`);
    return;
  }
  last = report.counts;
  if (report.type === 'end') ended.push(report);
  else {
    const { frames, accepted, kept } = report.counts;
    const perSecond = Math.round((frames * 1_000) / (performance.now() - startMs));
    say(`${frames} of ${options.frames} frames, ${perSecond}/s, ${accepted} accepted, ${kept} kept`);
  }
});
thread.on('error', (error: Error) => {
  broke ??= error.message;
});

const computedMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
let seen = { count: -1, atMs: 0, computedMs: 0 };
const watch = setInterval(() => {
  const { count, target } = note.now;
  if (count !== seen.count || target === null) seen = { count, atMs: performance.now(), computedMs: computedMs() };
  const hung = computedMs() - seen.computedMs > HANG_MS || performance.now() - seen.atMs > LOST_MS;
  const grown = process.memoryUsage.rss() > MAX_RSS_BYTES;
  if (!hung && !grown) return;
  broke ??= hung ? `it did not come back within ${HANG_MS} ms` : 'it took gigabytes';
  void thread.terminate();
}, LOOK_MS);
await once(thread, 'exit');
clearInterval(watch);

const seconds = (performance.now() - startMs) / 1_000;
const [end] = ended;
const counts = end?.counts ?? last;
const failure = end?.failure ?? null;
if (end === undefined) {
  const { target, input } = note.now;
  const what = target === null ? 'The fuzzer' : (names[target] ?? 'A decoder');
  say(`${what} broke: ${broke ?? 'the thread ended'}\nas found: ${base64(input)}`);
}
if (failure !== null) {
  const { target, reason, input, smallest } = failure;
  say(`${target} failed at frame ${counts?.frames ?? 0} of seed ${options.seed}:`);
  say(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  say(`as found: ${base64(input)}\nsmallest: ${base64(smallest)}`);
}
const tell = ({ target, ms, bytes, input }: FuzzFinding) =>
  say(`${target} took ${round(ms)} ms and ${round(bytes / 1_048_576)} MB for: ${base64(input)}`);
const [slow, large] = [counts?.slow ?? [], counts?.large ?? []];
for (const finding of new Set([...slow, ...large])) tell(finding);
const crashes = failure === null && end !== undefined ? 0 : 1;
say(
  JSON.stringify({
    fuzz: 'decoders',
    frames: counts?.frames ?? 0,
    seed: options.seed,
    seconds: round(seconds),
    perSecond: Math.round((counts?.frames ?? 0) / seconds),
    accepted: counts?.accepted ?? 0,
    refused: counts?.refused ?? 0,
    crashes,
    kept: counts?.kept ?? 0,
    [`over${SLOW_MS}ms`]: slow.length,
    [`over${LARGE_BYTES / 1_048_576}MB`]: large.length,
    worstMs: round(counts?.slowestMs ?? 0),
    worstMsTarget: counts?.slowestTarget ?? '',
    worstMb: round((counts?.largestBytes ?? 0) / 1_048_576),
    worstMbTarget: counts?.largestTarget ?? '',
    heapGrowthMB: end?.heapGrowthMB == null ? null : round(end.heapGrowthMB),
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1_024),
  }),
);
process.exitCode = crashes + slow.length + large.length > 0 ? 1 : 0;
