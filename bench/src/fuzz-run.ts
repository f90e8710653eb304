/** The fuzzer itself, in a thread of its own, where an input that never comes back can be ended: `fuzz.ts` watches it. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString, getHeapStatistics } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { formDecoders } from '@llmesh/core/fuzz/form-decoders';
import { syntaxDecoders } from '@llmesh/core/fuzz/syntax-decoders';
import {
  fuzz,
  SLOW_MS,
  type FuzzCounts,
  type FuzzFailure,
  type FuzzFinding,
  type FuzzTarget,
} from '@llmesh/core/fuzz/fuzz';
import { messageDecoders } from '@llmesh/core/fuzz/message-decoders';
import { taskDecoders } from '@llmesh/core/fuzz/task-decoders';
import { ledgerDecoders } from '@llmesh/core/fuzz/ledger-decoders';
import { modelDecoders } from '@llmesh/core/fuzz/model-decoders';
import { signedDecoders } from '@llmesh/core/fuzz/signed-decoders';
import { signalTarget } from '../../signaling/src/testing/signal-target.ts';
import { Coverage } from './coverage.ts';
import { ggufHeaders } from './gguf-headers.ts';
import { InputNote } from './input-note.ts';
import { logDecoders } from './log-decoders.ts';

export interface FuzzRun {
  frames: number;
  seed: number;
  note: SharedArrayBuffer;
}

export type FuzzReport =
  | { type: 'targets'; names: string[] }
  | { type: 'progress'; counts: FuzzCounts }
  | { type: 'end'; counts: FuzzCounts; failure: FuzzFailure | null; heapGrowthMB: number | null };

/** From here on the heap is measured: by then caches are filled and code is compiled. */
const WARM_UP_SHARE = 0.1;
const PROGRESS_MS = 1_000;
const CONFIRMING_TRIES = 5;

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;
const used = () => {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
};
/** The processor time of this process, in which nothing else runs, so that a busy computer does not matter. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const settledMegabytes = () => {
  gc();
  return used() / 1_048_576;
};

const { frames, seed, note } = workerData as FuzzRun;
const tell = (report: FuzzReport) => parentPort?.postMessage(report);
const catalogue: unknown = JSON.parse(readFileSync(new URL('../../models/catalogue.json', import.meta.url), 'utf8'));
const targets: FuzzTarget[] = [
  ...messageDecoders(catalogue),
  ...taskDecoders(),
  ...(await signedDecoders()),
  ...(await ledgerDecoders()),
  ...modelDecoders(),
  ...formDecoders(),
  ...syntaxDecoders(),
  ...logDecoders(),
  ggufHeaders(),
  signalTarget(),
];
tell({ type: 'targets', names: targets.map(({ name }) => name) });

const coverage = new Coverage();
const inputs = new InputNote(note);
let saidMs = performance.now();
let heapBefore: number | null = null;
const { failure, ...counts } = await fuzz(targets, {
  frames,
  seed,
  now: () => performance.now(),
  worked: cpuMs,
  memory: used,
  reachedNew: () => {
    inputs.done();
    return coverage.reachedNew();
  },
  begin: (target, input) => inputs.begin(targets.indexOf(target), input),
  progress: (sofar) => {
    if (heapBefore === null && sofar.frames >= frames * WARM_UP_SHARE) heapBefore = settledMegabytes();
    if (performance.now() - saidMs < PROGRESS_MS) return;
    saidMs = performance.now();
    tell({ type: 'progress', counts: sofar });
  },
});
inputs.done();
coverage.close();
counts.slow = await confirmed(counts.slow);
inputs.done();
tell({ type: 'end', counts, failure, heapGrowthMB: heapBefore === null ? null : settledMegabytes() - heapBefore });

/** The inputs that are slow even without coverage, which takes more time than the code itself. */
async function confirmed(findings: readonly FuzzFinding[]): Promise<FuzzFinding[]> {
  const slow: FuzzFinding[] = [];
  for (const finding of findings) {
    const target = targets.find(({ name }) => name === finding.target);
    const limitMs = target?.slowMs ?? SLOW_MS;
    let ms = finding.ms;
    for (let tries = 0; tries < CONFIRMING_TRIES && target !== undefined && ms > limitMs; tries++) {
      inputs.begin(targets.indexOf(target), finding.input);
      const startMs = cpuMs();
      await target.run(finding.input);
      ms = Math.min(ms, cpuMs() - startMs);
    }
    if (ms > limitMs) slow.push({ ...finding, ms });
  }
  return slow;
}
