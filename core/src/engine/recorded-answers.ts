/** `models/known-answers.json`: what models of the catalogue wrote to the quiz where they were seen to run well. */
import * as v from 'valibot';
import type { RecordedAnswer } from './quiz.ts';

/** More than the comparison needs, so that a person can judge it. */
export const MAX_RECORDED_CHARACTERS = 200;

export const RecordedAnswersSchema = v.object({
  runs: v.array(
    v.object({
      /** The id in the catalogue. */
      model: v.string(),
      /** "web-llm 0.2.86" */
      engine: v.string(),
      /** "Radeon 780M" */
      device: v.string(),
      answers: v.array(
        v.object({ question: v.string(), text: v.pipe(v.string(), v.maxLength(MAX_RECORDED_CHARACTERS)) }),
      ),
    }),
  ),
});
export type RecordedAnswers = v.InferOutput<typeof RecordedAnswersSchema>;
export type RecordedRun = RecordedAnswers['runs'][number];

/** What this model wrote, on whatever engine: where two differ, either is right. */
export function recordedOf({ runs }: RecordedAnswers, model: string): RecordedAnswer[] {
  return runs.filter((run) => run.model === model).flatMap(({ answers }) => answers);
}

/** The same list with this run, in the place of an earlier one of the same model on the same engine. */
export function withRun({ runs }: RecordedAnswers, run: RecordedRun): RecordedAnswers {
  const others = runs.filter(({ model, engine }) => model !== run.model || engine !== run.engine);
  return {
    runs: [...others, run].toSorted((a, b) => a.model.localeCompare(b.model) || a.engine.localeCompare(b.engine)),
  };
}
