/** What the tiny model must answer, word for word: `models/tiny/questions.json`, beside the file that produced them. */
import type { KnownAnswer } from '@llmesh/core/engine/self-test';
import { TINY_MODEL } from '../state/tiny-model.ts';
import * as v from 'valibot';

const PATH = '/models/tiny/questions.json';
const TIMEOUT_MS = 10_000;
/** Long enough to measure a speed, short enough not to keep anybody waiting. */
const GOOD_LENGTH = 250;

const QuestionsSchema = v.pipe(v.array(v.object({ question: v.string(), answer: v.string() })), v.minLength(1));

/** null for a model whose answers nobody knows. Rejects when the list cannot be fetched. */
export async function knownAnswer(
  model: string,
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>,
): Promise<KnownAnswer | null> {
  if (model !== TINY_MODEL) return null;
  const questions = v.parse(QuestionsSchema, await getJson(PATH, AbortSignal.timeout(TIMEOUT_MS)));
  return questions.find(({ answer }) => answer.length >= GOOD_LENGTH) ?? questions[0] ?? null;
}
