/** Checks the values of strangers against a schema, with errors that name the parameter as OpenAI's do, in sentences. */
import * as v from 'valibot';
import { badRequest } from './api-error.ts';

/** Enough for any name that is right. */
const MAX_PATH_CHARACTERS = 200;

export const whole = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check(
      (value) => Number.isInteger(value) && value >= least && value <= most,
      `It is a whole number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}.`,
    ),
  );

export const between = (least: number, most: number) =>
  v.pipe(
    v.number(),
    v.check((value) => value >= least && value <= most, `It is a number from ${least} to ${most}.`),
  );

/** `at`: where the value stands in the request. Throws an `ApiError` for the first thing that is wrong. */
export function checked<T extends v.GenericSchema>(schema: T, value: unknown, at: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value, { message: sentenceAbout });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = pathOf(issue, at);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    throw badRequest(param, `There is no parameter "${param}". Is it spelt right?`, 'unknown_parameter');
  }
  if (issue.received === 'undefined') throw badRequest(param, `"${param}" is missing.`, 'missing_required_parameter');
  throw badRequest(param, `"${param}" is not right. ${issue.message}`);
}

/** What is said about a value where the schema has no words of its own. */
function sentenceAbout(issue: v.BaseIssue<unknown>): string {
  const { type, requirement, input } = issue;
  if (type === 'max_length') {
    const most = Number(requirement).toLocaleString('en');
    if (typeof input === 'string') return `It has up to ${most} characters; this has ${length(input)}.`;
    return `Up to ${most} can be given; these are ${length(input)}.`;
  }
  if (type === 'min_length') return 'It is empty.';
  const expected = KINDS[type] ?? oneOf(issue.expected);
  return `It has to be ${expected}, and this is ${kindOf(input)}.`;
}

const KINDS: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  strict_object: 'an object',
  record: 'an object',
};

/** Valibot writes `("a" | "b")`. */
function oneOf(expected: string | null): string {
  return (expected ?? 'something else').replace(/^\((.*)\)$/s, '$1').replaceAll(' | ', ' or ');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'string' ? `"${value.slice(0, 64)}"` : 'something else';
}

function length(value: unknown): string {
  return (value as { length: number }).length.toLocaleString('en');
}

/** The path to a value, written as OpenAI does: `messages[0].content`. */
function pathOf(issue: v.BaseIssue<unknown>, at: string): string {
  const steps = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return `${at}${steps.join('')}`.replace(/^\./, '').slice(0, MAX_PATH_CHARACTERS);
}
