/** What every model goes through when it was loaded, for whomever, before it answers anybody: a question. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import type { Engine } from '@llmesh/core/engine/engine';
import type { ModelId } from '@llmesh/core/base/ids';
import { selfTest, type KnownAnswer } from '@llmesh/core/engine/self-test';

export interface ModelTrialNeeds {
  /** null for a model whose answers nobody knows. */
  knownAnswer: (model: ModelId) => Promise<KnownAnswer | null>;
  clock: Clock;
  /** For the log. */
  failed: (error: unknown) => void;
}

/** As `selfTest`. */
export type TryModel = (
  engine: Pick<Engine<never>, 'generate'>,
  model: ModelId,
  signal: AbortSignal,
) => Promise<number | null>;

export function modelTrial({ knownAnswer, clock, failed }: ModelTrialNeeds): TryModel {
  return async (engine, model, signal) => {
    const known = knownAnswer(model).catch((error: unknown) => {
      // The test then goes by the looks of the answer.
      failed(error);
      return null;
    });
    return await selfTest(engine, await untilAborted(known, signal), clock, signal);
  };
}
