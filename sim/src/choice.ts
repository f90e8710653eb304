/**
 * How many providers a matchmaker should choose among when its knowledge of them is old: the power of two choices
 * (Mitzenmacher 2001) with the real ranking. Too few, and slow or busy ones are taken; too many, and all who ask within one
 * heartbeat are sent to the same few. A queueing model and nothing else: no peers, no sockets.
 */
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { expectedSeconds, rank } from '@llmesh/core/policy/route';
import { quantiles } from './figures.ts';
import { SeededRandom } from './random.ts';
import { VirtualClock } from './virtual-clock.ts';
import type { Candidate } from '@llmesh/core/wire/candidate';

export interface ChoiceOptions {
  seed: number;
  providers: number;
  seconds: number;
  /** The load, as a share of what all of them can write together. */
  load: number;
  /** How many with a free slot are looked at. */
  sample: number;
  /** weighted: by `rank`, which draws lots. best: always the one that should be done first. */
  policy: 'weighted' | 'best';
  /** Whether the matchmaker counts questions that it has sent and that cannot have arrived yet. */
  promises: boolean;
}

export interface ChoiceFigures {
  /** The share of the questions that found no free slot where they were sent. */
  waited: number;
  waitMeanMs: number;
  waitP95Ms: number;
  /** The time from asking to the whole answer. */
  answerMeanSeconds: number;
  answerP95Seconds: number;
  /** The most questions that one provider had at once, for each of its slots. */
  worst: number;
}

const SLOTS = 2;
const HEARTBEAT_MS = 1_000;
/** The time from the match to the provider: dialling and asking. */
const DIAL_MS = 300;
const MEAN_TOKENS = 200;
/** The share of the run until as many are at work as usual. */
const WARM_UP = 0.25;

interface Provider {
  readonly tokensPerSecond: number;
  running: number;
  readonly waiting: (() => void)[];
  /** Questions that are on the way there. */
  coming: number;
  peak: number;
  /** The provider as the matchmaker sees it. */
  readonly seen: Candidate;
}

export async function choose(options: ChoiceOptions): Promise<ChoiceFigures> {
  const { seed, seconds, load, promises } = options;
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  const providers = Array.from({ length: options.providers }, (_, i) => newProvider(i, random));
  const byId = new Map(providers.map((provider) => [provider.seen.peerId, provider]));
  for (const provider of providers) clock.after(random.between(0, HEARTBEAT_MS), () => beat(clock, provider));
  const tokensPerSecond = providers.reduce((sum, provider) => sum + SLOTS * provider.tokensPerSecond, 0);
  const pauseMs = (MEAN_TOKENS * 1_000) / (tokensPerSecond * load);
  const waits: number[] = [];
  const answers: number[] = [];
  const fromMs = seconds * 1_000 * WARM_UP;
  const ask = () => {
    clock.after(random.exponential(pauseMs), ask);
    const chosen = byId.get(chooseOne(providers, options, random));
    if (chosen === undefined) return;
    if (promises) {
      chosen.coming += 1;
      chosen.seen.busySlots += 1;
    }
    const askedMs = clock.now();
    const tokens = random.exponential(MEAN_TOKENS);
    clock.after(DIAL_MS, () => {
      const arrivedMs = clock.now();
      if (promises) chosen.coming -= 1;
      serve(clock, chosen, tokens, (startedMs) => {
        if (askedMs < fromMs) return;
        waits.push(startedMs - arrivedMs);
        answers.push(startedMs - askedMs + (tokens * 1_000) / chosen.tokensPerSecond);
      });
    });
  };
  ask();
  await clock.run(seconds * 1_000);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);
  return {
    waited: Number((waits.filter((ms) => ms > 0).length / Math.max(1, waits.length)).toFixed(4)),
    waitMeanMs: Math.round(mean(waits)),
    waitP95Ms: quantiles(waits)?.p95 ?? 0,
    answerMeanSeconds: Number((mean(answers) / 1_000).toFixed(2)),
    answerP95Seconds: Number(((quantiles(answers)?.p95 ?? 0) / 1_000).toFixed(2)),
    worst: Math.max(...providers.map(({ peak }) => peak)) / SLOTS,
  };
}

/** Looks as the matchmaker does: in strides from anywhere, until it has seen enough that should be free. */
function chooseOne(providers: readonly Provider[], { sample, policy }: ChoiceOptions, random: SeededRandom): PeerId {
  const free: Candidate[] = [];
  const full: Candidate[] = [];
  const start = Math.floor(random.next() * providers.length);
  // A prime of which none of the sizes is a multiple, so that everybody comes once.
  const stride = 7_919;
  for (let i = 0; i < providers.length && free.length < sample; i++) {
    const { seen } = providers[(start + i * stride) % providers.length]!;
    if (seen.busySlots + seen.queued < seen.slots) free.push(seen);
    else if (full.length < sample) full.push(seen);
  }
  const candidates = free.length > 0 ? free : full;
  if (policy === 'best') {
    return candidates.reduce((a, b) => (expectedSeconds(b, null) < expectedSeconds(a, null) ? b : a)).peerId;
  }
  return rank(candidates, { exclude: NOBODY, prefer: null, rttMs: () => null, random: random.next })[0]!.peerId;
}

const NOBODY: ReadonlySet<PeerId> = new Set();

function serve(clock: VirtualClock, provider: Provider, tokens: number, started: (nowMs: number) => void): void {
  const start = () => {
    provider.running += 1;
    started(clock.now());
    clock.after((tokens * 1_000) / provider.tokensPerSecond, () => {
      provider.running -= 1;
      provider.waiting.shift()?.();
    });
  };
  if (provider.running < SLOTS) start();
  else provider.waiting.push(start);
  provider.peak = Math.max(provider.peak, provider.running + provider.waiting.length);
}

function beat(clock: VirtualClock, provider: Provider): void {
  provider.seen.busySlots = provider.running + provider.coming;
  provider.seen.queued = provider.waiting.length;
  clock.after(HEARTBEAT_MS, () => beat(clock, provider));
}

function newProvider(index: number, random: SeededRandom): Provider {
  const tokensPerSecond = random.between(4, 60);
  const model: ModelAdvert = {
    id: 'model' as ModelId,
    name: 'Model',
    quant: 'q8',
    format: 'gguf',
    backend: 'cpu',
    contextTokens: 4096,
    sha256: null,
    tokensPerSecond,
    continues: 'ids',
  };
  const seen: Candidate = {
    peerId: `provider-${index}` as PeerId,
    agent: 'native',
    model,
    slots: SLOTS,
    busySlots: 0,
    queued: 0,
    reliability: 1,
    certificate: null,
  };
  return { tokensPerSecond, running: 0, waiting: [], coming: 0, peak: 0, seen };
}
