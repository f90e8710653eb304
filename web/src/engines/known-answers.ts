/** What a model must answer when it is tried: lists that lie beside the models, on the mesh that the page came from. */
import type { Expected, KnownAnswer } from '@llmesh/core/engine/self-test';
import { recordedOf, RecordedAnswersSchema } from '@llmesh/core/engine/recorded-answers';
import { TINY_MODEL } from '../state/tiny-model.ts';
import * as v from 'valibot';

/** The tiny model knows its answers word for word: they lie beside the file that produced them. */
const QUESTIONS = '/models/tiny/questions.json';
const RECORDED = '/models/known-answers.json';
const TIMEOUT_MS = 10_000;
/** Long enough to measure a speed, short enough not to keep anybody waiting. */
const GOOD_LENGTH = 250;

const QuestionsSchema = v.pipe(v.array(v.object({ question: v.string(), answer: v.string() })), v.minLength(1));

/** What is expected of a model of the catalogue. Rejects when the list cannot be fetched. */
export async function expectedOf(
  model: string,
  getJson: (path: string, signal: AbortSignal) => Promise<unknown>,
): Promise<KnownAnswer | Expected> {
  const read = (path: string) => getJson(path, AbortSignal.timeout(TIMEOUT_MS));
  if (model !== TINY_MODEL) {
    const recorded = recordedOf(v.parse(RecordedAnswersSchema, await read(RECORDED)), model);
    return { instructed: true, recorded };
  }
  const questions = v.parse(QuestionsSchema, await read(QUESTIONS));
  return (
    questions.find(({ answer }) => answer.length >= GOOD_LENGTH) ?? questions[0] ?? { instructed: false, recorded: [] }
  );
}
