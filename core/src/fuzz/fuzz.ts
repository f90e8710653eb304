/**
 * The fuzzer's loop: takes valid input, damages it, hands it to a decoder, and looks at what comes out. What may come
 * out of a decoder is a value, null, or a MeshError; all else is a failure, which is cut down before it is reported.
 */
import { Mutator } from './mutation.ts';

export interface FuzzTarget {
  name: string;
  /** How often it runs, compared with the others. Decoders with public-key cryptography take milliseconds. */
  weight: number;
  /** Valid inputs. */
  seeds: readonly Uint8Array[];
  /** A run that is longer than this is a finding. Left out: `SLOW_MS`. */
  slowMs?: number;
  /** Inputs that are known to be costly: they run as they are first; small ones are damaged, too. */
  nasty?: readonly Uint8Array[];
  /** Valid values, for targets in which a value can be damaged before it is written. */
  values?: readonly unknown[];
  /** May throw: not everything can be written. */
  write?: (value: unknown) => Uint8Array;
  /** Wraps what was written in all that a decoder checks before it looks inside: headers, checksums. */
  wrap?: (body: Uint8Array) => Uint8Array;
  /** Returns whether it was accepted. Throws when the decoder did anything that it should not. */
  run(input: Uint8Array): boolean | Promise<boolean>;
}

export interface FuzzOptions {
  frames: number;
  seed: number;
  /** Milliseconds from any origin. */
  now: () => number;
  /** Whether the decoders reached new code since the last call. If so, the batch becomes seeds. */
  reachedNew?: () => boolean;
  /** Like `now`, but counts only work for us: a run that was long by `now` is judged by it. Left out: by `now`. */
  worked?: () => number;
  /** The bytes in use, to see what one input takes. Left out: nobody looks. */
  memory?: () => number;
  /** Called before each input, so that a watcher can tell which one does not come back. */
  begin?: (target: FuzzTarget, input: Uint8Array) => void;
  /** Called after every batch. */
  progress?: (sofar: FuzzCounts) => void;
}

export interface FuzzCounts {
  frames: number;
  accepted: number;
  refused: number;
  /** Inputs that were kept because they led somewhere new. */
  kept: number;
  /** Inputs that took too long, or more than `LARGE_BYTES`, each of `TRIES` times, so that no other work was to blame. */
  slow: FuzzFinding[];
  large: FuzzFinding[];
  slowestMs: number;
  slowestTarget: string;
  largestBytes: number;
  largestTarget: string;
}

export interface FuzzFinding {
  target: string;
  input: Uint8Array;
  ms: number;
  bytes: number;
}

export interface FuzzFailure {
  target: string;
  reason: unknown;
  /** The input as it was found, and the smallest part of it that fails the same way. */
  input: Uint8Array;
  smallest: Uint8Array;
}

/** Nothing that a stranger sends may take longer, or more memory; a megabyte of message makes some ten megabytes of objects. */
export const SLOW_MS = 100;
export const LARGE_BYTES = 64 * 1_048_576;
const TRIES = 3;
/** How many are reported; later ones tell nothing new. */
const MAX_FINDINGS = 16;
const BATCH = 64;
/** How many each target keeps; later ones then replace earlier ones. */
const MAX_KEPT = 2_048;
const MAX_KEPT_BYTES = 4_096;
/** No message is longer: anything larger is cut off before a decoder sees it. */
const MAX_INPUT_BYTES = 1_048_576;
const MAX_SHRINK_RUNS = 2_000;

export async function fuzz(
  targets: readonly FuzzTarget[],
  options: FuzzOptions,
): Promise<FuzzCounts & { failure: FuzzFailure | null }> {
  const mutator = new Mutator(options.seed);
  const counts: FuzzCounts = {
    frames: 0,
    accepted: 0,
    refused: 0,
    kept: 0,
    slow: [],
    large: [],
    slowestMs: 0,
    slowestTarget: '',
    largestBytes: 0,
    largestTarget: '',
  };
  const queue = targets.flatMap((target) => Array.from({ length: target.weight }, () => target));
  const corpora = new Map(targets.map((target) => [target, [...target.seeds, ...smallOf(target)]]));
  // Valid inputs run first, as they are: a target that refuses its own seeds would test nothing.
  for (const target of targets) {
    for (const input of target.seeds) {
      options.begin?.(target, input);
      if (!(await target.run(input))) throw new Error(`${target.name} refuses what is valid`);
    }
    for (const input of target.nasty ?? []) {
      const failure = await measured(target, input, counts, options);
      if (failure !== null) return { ...counts, failure };
    }
  }
  options.reachedNew?.();
  while (counts.frames < options.frames) {
    const target = mutator.pick(queue);
    const corpus = corpora.get(target) ?? [];
    const batch: Uint8Array[] = [];
    for (let n = Math.min(BATCH, options.frames - counts.frames); n > 0; n--) {
      const input = generate(target, corpus, mutator);
      const failure = await measured(target, input, counts, options);
      if (failure !== null) return { ...counts, failure };
      counts.frames++;
      batch.push(input);
    }
    if (options.reachedNew?.() === true) {
      for (const input of batch) {
        if (input.byteLength > MAX_KEPT_BYTES) continue;
        counts.kept++;
        const given = target.seeds.length + smallOf(target).length;
        if (corpus.length < given + MAX_KEPT) corpus.push(input);
        else corpus[given + mutator.below(MAX_KEPT)] = input;
      }
    }
    options.progress?.(counts);
  }
  return { ...counts, failure: null };
}

/** Large inputs are costly each time, and damage seldom hits what makes them so. */
function smallOf({ nasty = [] }: FuzzTarget): readonly Uint8Array[] {
  return nasty.filter(({ byteLength }) => byteLength <= MAX_KEPT_BYTES);
}

/** Counts the outcome of one input; runs it again where it took long or much, in case something else was to blame. */
async function measured(
  target: FuzzTarget,
  input: Uint8Array,
  counts: FuzzCounts,
  options: FuzzOptions,
): Promise<FuzzFailure | null> {
  const limitMs = target.slowMs ?? SLOW_MS;
  let ms = Infinity;
  let bytes = Infinity;
  for (let tries = 0; tries < TRIES && (ms > limitMs || bytes > LARGE_BYTES); tries++) {
    options.begin?.(target, input);
    const now = tries === 0 ? options.now : (options.worked ?? options.now);
    const before = options.memory?.() ?? 0;
    const startMs = now();
    let accepted: boolean;
    try {
      accepted = await target.run(input);
    } catch (reason) {
      return { target: target.name, reason, input, smallest: await shrink(target, input, reason, options) };
    }
    ms = Math.min(ms, now() - startMs);
    bytes = Math.min(bytes, (options.memory?.() ?? 0) - before);
    if (tries > 0) continue;
    if (accepted) counts.accepted++;
    else counts.refused++;
  }
  const finding = { target: target.name, input, ms, bytes };
  if (ms > limitMs && counts.slow.length < MAX_FINDINGS) counts.slow.push(finding);
  if (bytes > LARGE_BYTES && counts.large.length < MAX_FINDINGS) counts.large.push(finding);
  if (ms > counts.slowestMs) Object.assign(counts, { slowestMs: ms, slowestTarget: target.name });
  if (bytes > counts.largestBytes) Object.assign(counts, { largestBytes: bytes, largestTarget: target.name });
  return null;
}

function generate(target: FuzzTarget, corpus: readonly Uint8Array[], mutator: Mutator): Uint8Array {
  const { values, write, wrap } = target;
  if (values !== undefined && write !== undefined && mutator.random() < 0.5) {
    const value = mutator.pick(values);
    const how = mutator.below(3);
    const body = written(write, how === 0 ? value : mutator.confuse(value, mutator.pick(values)));
    if (body !== null) {
      const damaged = (how === 1 ? body : mutator.damage(body, body)).subarray(0, MAX_INPUT_BYTES);
      return wrap === undefined ? damaged : wrap(damaged);
    }
  }
  // Most kept inputs are refused early on, so half of all begin with a valid one.
  return mutator.damage(mutator.pick(mutator.random() < 0.5 ? target.seeds : corpus), mutator.pick(corpus));
}

function written(write: (value: unknown) => Uint8Array, value: unknown): Uint8Array | null {
  try {
    return write(value);
  } catch {
    // A value that cannot even be written is not an input.
    return null;
  }
}

/** Removes piece after piece while the rest fails the same way. */
async function shrink(
  target: FuzzTarget,
  input: Uint8Array,
  reason: unknown,
  { begin }: FuzzOptions,
): Promise<Uint8Array> {
  const wanted = kindOf(reason);
  let smallest = input;
  let runs = 0;
  for (let size = input.byteLength >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= smallest.byteLength && runs < MAX_SHRINK_RUNS; runs++) {
      const shorter = new Uint8Array([...smallest.subarray(0, at), ...smallest.subarray(at + size)]);
      begin?.(target, shorter);
      if ((await kindOfRun(target, shorter)) === wanted) smallest = shorter;
      else at += size;
    }
  }
  return smallest;
}

async function kindOfRun(target: FuzzTarget, input: Uint8Array): Promise<string | null> {
  try {
    await target.run(input);
    return null;
  } catch (reason) {
    return kindOf(reason);
  }
}

function kindOf(reason: unknown): string {
  return reason instanceof Error ? `${reason.name} ${reason.message.replaceAll(/\d+/g, '')}` : typeof reason;
}
