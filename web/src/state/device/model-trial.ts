/** Test questions for every model that was just loaded, before it answers anybody. */
import { untilAborted } from '@llmesh/core/base/abort';
import type { Clock } from '@llmesh/core/base/clock';
import type { Engine, LoadProgress } from '@llmesh/core/engine/engine';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Expected, KnownAnswer } from '@llmesh/core/engine/self-test';

/** On the way to a model that answers: it is loaded, then tried. */
export type ReadyProgress = LoadProgress | { phase: 'trial'; tokens: number };

export interface ModelTrialNeeds {
  expected: (model: ModelId) => Promise<KnownAnswer | Expected>;
  clock: Clock;
  /** Hears, for the log, that the known answers could not be read. */
  failed: (error: unknown) => void;
}

/** Resolves and rejects as `selfTest` does. `wrote` hears how many tokens were written so far. */
export type TryModel = (
  engine: Pick<Engine<never>, 'generate'>,
  model: ModelId,
  signal: AbortSignal,
  wrote: (tokens: number) => void,
) => Promise<number | null>;

/** The test then only checks that the answers are words. */
export const ANY_WORDS: Expected = { instructed: false, recorded: [] };

export function modelTrial({ expected, clock, failed }: ModelTrialNeeds): TryModel {
  return async (engine, model, signal, wrote) => {
    const known = expected(model).catch((error: unknown) => {
      failed(error);
      return ANY_WORDS;
    });
    const { selfTest } = await untilAborted(import('@llmesh/core/engine/self-test'), signal);
    return await selfTest(engine, await untilAborted(known, signal), { clock, wrote }, signal);
  };
}
