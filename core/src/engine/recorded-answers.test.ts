import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { recordedOf, RecordedAnswersSchema, withRun } from './recorded-answers.ts';

const run = (model: string, engine: string, text: string) => ({
  model,
  engine,
  device: 'a card',
  answers: [{ question: 'Why?', text }],
});

it('keeps one run for each pair of model and engine, and takes all runs of a model for right', () => {
  let list = { runs: [run('b', 'x 1', 'old'), run('a', 'x 1', 'other')] };
  list = withRun(list, run('b', 'x 1', 'new'));
  list = withRun(list, run('b', 'y 1', 'also'));
  expect(list.runs.map(({ model, engine }) => `${model} ${engine}`)).toEqual(['a x 1', 'b x 1', 'b y 1']);
  expect(recordedOf(list, 'b').map(({ text }) => text)).toEqual(['new', 'also']);
  expect(recordedOf(list, 'c')).toEqual([]);
});

it('can be read as it is kept, and names models of the catalogue', () => {
  const read = (file: string): unknown =>
    JSON.parse(readFileSync(new URL(`../../../models/${file}`, import.meta.url), 'utf8'));
  const { models } = read('catalogue.json') as { models: { id: string }[] };
  const { runs } = v.parse(RecordedAnswersSchema, read('known-answers.json'));
  expect(models.map(({ id }) => id)).toEqual(expect.arrayContaining(runs.map(({ model }) => model)));
});
