/** A test question for every model that was just loaded, before it answers anybody. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import type { Engine } from '@llmesh/core/engine/engine';
import type { ModelId } from '@llmesh/core/base/ids';
import { selfTest, type KnownAnswer } from '@llmesh/core/engine/self-test';

export interface ModelTrialNeeds {
  /** null for a model whose answers nobody knows. */
  knownAnswer: (model: ModelId) => Promise<KnownAnswer | null>;
  clock: Clock;
  /** Hears, for the log, that the known answers could not be read. */
  failed: (error: unknown) => void;
}

/** Resolves and rejects as `selfTest` does. */
export type TryModel = (
  engine: Pick<Engine<never>, 'generate'>,
  model: ModelId,
  signal: AbortSignal,
) => Promise<number | null>;

export function modelTrial({ knownAnswer, clock, failed }: ModelTrialNeeds): TryModel {
  return async (engine, model, signal) => {
    const known = knownAnswer(model).catch((error: unknown) => {
      // The test then only checks that the answer looks sane.
      failed(error);
      return null;
    });
    return await selfTest(engine, await untilAborted(known, signal), clock, signal);
  };
}
