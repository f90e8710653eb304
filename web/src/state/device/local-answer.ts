/** How this device answers a question of its own person. Its code is fetched apart from what a page shows of it. */
import { billOf } from '@llmesh/core/ask/bill';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import { AnswerStops, stopsFault } from '@llmesh/core/ask/stops/answer-stops';
import type { Clock } from '@llmesh/core/base/clock';
import { DeliveredAnswer, prefixFault } from '@llmesh/core/ask/delivered-answer';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Finish } from '@llmesh/core/engine/engine';
import { SpeedMeter } from '@llmesh/core/engine/speed';
import { DownloadPace, type Pace } from './download-pace.ts';
import type { EngineHolder } from './engine-holder.svelte.ts';
import type { ReadyProgress } from './model-trial.ts';
import type { LocalModels } from './local-models.svelte.ts';
import { whyNot } from './no-model.ts';
import type { ThisDevice } from './this-device.svelte.ts';

/** A model stays in memory this long after an answer, so that the next one starts at once. */
const KEEP_MS = 5 * 60_000;

export interface LocalAnswerNeeds {
  models: LocalModels;
  /** Its code may have to be fetched. */
  holder: () => EngineHolder | Promise<EngineHolder>;
  device: ThisDevice;
  self: PeerId;
  clock: Clock;
  /** How many answers this device writes for others, or has in line. */
  ahead: () => number;
}

type Piece = Extract<AnswerEvent, { type: 'piece' }>;

/** Hears the pace of the download and whether the model is being loaded; null and false: neither. */
type Comes = (getting: Pace | null, waking: boolean) => void;

/** An answer by this device. Throws a `MeshError`; text yielded before that stays valid. */
export async function* answerHere(
  { models, holder, device, self, clock, ahead }: LocalAnswerNeeds,
  comes: Comes,
  request: AskRequest,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const askedMs = clock.now();
  await models.findOut(signal);
  const model = models.find(request.model);
  if (model === null) throw whyNot(request.model, device);
  const engines = await holder();
  const pace = new DownloadPace();
  const take = (progress: ReadyProgress) =>
    progress.phase === 'download' ? comes(pace.take(progress, clock.now()), false) : comes(null, true);
  const lease = await engines.enter(model, take, signal).finally(() => {
    comes(null, false);
    // What was downloaded for it is on this device now, or what was damaged is gone.
    void device.look();
  });
  try {
    yield { type: 'accepted', ahead: ahead() };
    const { turns, sampling, maxTokens, stop = [] } = request;
    const fault = prefixFault(request.prefix ?? null) ?? stopsFault(stop);
    if (fault !== null) throw fault;
    const begun = new DeliveredAnswer(request.prefix);
    const prefix = begun.prefixFor({ sha256: model.format === 'gguf' ? model.sha256 : null });
    if (prefix !== null && lease.loaded.continues === 'none') throw cannotGoOn(model.name);
    const task = { turns, sampling, maxTokens, ...(prefix !== null && { prefix }) };
    const pieces = lease.engine.generate(task, signal);
    const stops = new AnswerStops<Piece>(stop, request.prefix ?? null);
    let written = 0;
    let counted = 0;
    const meter = new SpeedMeter();
    let firstMs: number | null = null;
    let next = await pieces.next();
    try {
      while (next.done !== true) {
        const { text, tokens, tokenIds = null, syntax, promptTokens = 0 } = next.value;
        firstMs ??= clock.now();
        meter.add(tokens, clock.now());
        written += tokens;
        counted ||= promptTokens;
        const piece: Piece = { type: 'piece', text, tokens, tokenIds, ...(syntax !== undefined && { syntax }) };
        const told = stops.push(piece);
        yield* told.events;
        if (told.stopped) break;
        next = await pieces.next();
      }
      yield* stops.end();
    } catch (thrown) {
      // What was held back was no stop.
      yield* stops.end();
      throw thrown;
    } finally {
      // For a reader that walks away, the engine has stopped when its loop ends.
      if (next.done !== true) await pieces.return(ended(0, 0));
    }
    const tokensPerSecond = meter.overall();
    if (tokensPerSecond !== null) device.learnSpeed(model.id, tokensPerSecond);
    const firstTokenMs = (firstMs ?? clock.now()) - askedMs;
    const end = next.done === true ? next.value : ended(counted, written);
    yield {
      type: 'done',
      summary: {
        ...end,
        ...(stops.found !== null && { stoppedAt: stops.found }),
        completionTokens: begun.tokens + end.completionTokens,
        provider: self,
        path: null,
        receipt: 'none',
        seams: [],
        bill: billOf([]),
        firstTokenMs,
        tokensPerSecond,
      },
    };
  } finally {
    await lease.leave(KEEP_MS);
  }
}

/** As if the model had ended it there. */
function ended(promptTokens: number, completionTokens: number): Finish {
  return { finish: 'stop', promptTokens, completionTokens };
}

function cannotGoOn(model: string): MeshError {
  return new MeshError(
    'engine_failed',
    `This device cannot continue an answer by ${model}. Ask again, or let a volunteer run it.`,
  );
}
