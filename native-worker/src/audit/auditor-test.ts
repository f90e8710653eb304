/**
 * Known answers for an auditor, before it checks anybody's: one of its own, in which it must find nothing, and the same one
 * doctored. Broken kernels of a graphics card that still write words would accuse honest volunteers, or acquit all.
 */
import type { Engine, GenerateRequest } from '@llmesh/core/engine/engine';
import { deviationsOf, meanDeviation } from '@llmesh/core/proof/deviation';
import { seededDraws } from '@llmesh/core/proof/seeds';
import type { Scorer } from '@llmesh/core/tasks/audit-task';

/** Warm, so that draws count, and long enough that a doctored answer is far from the honest one. */
const REQUEST: GenerateRequest = {
  turns: [{ role: 'user', content: 'Tell me something about the sea, and about those who live at it.' }],
  sampling: { temperature: 1, topK: 40, topP: 0.95 },
  maxTokens: 32,
  draws: seededDraws(1),
};
/** An answer that is shorter tells nothing. */
const FEWEST_TOKENS = 4;
/** The mean deviations that there may be at most in its own answer, and must be at least in the doctored one, 0 to 1. */
const MOST_HONEST = 0.1;
const LEAST_DOCTORED = 0.3;

/** Whether it finds its own answer right and a doctored one wrong. Rejects as the engine does. */
export async function tellsDoctored(
  engine: Scorer & Pick<Engine<never>, 'generate'>,
  signal: AbortSignal,
): Promise<boolean> {
  const ids: number[] = [];
  for await (const { tokenIds = [] } of engine.generate(REQUEST, signal)) ids.push(...tokenIds);
  if (ids.length < FEWEST_TOKENS) return false;
  const found = async (answer: readonly number[]) =>
    meanDeviation(deviationsOf(await engine.score(REQUEST, answer, signal), answer));
  return (await found(ids)) <= MOST_HONEST && (await found(ids.toReversed())) >= LEAST_DOCTORED;
}
