/** Checks the values of strangers against a schema, with errors that name the parameter as OpenAI's do. */
import * as v from 'valibot';
import { badRequest } from './api-error.ts';

/** `at`: where the value stands in the request. Throws an `ApiError` for the first thing that is wrong. */
export function checked<T extends v.GenericSchema>(schema: T, value: unknown, at: string): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const param = pathOf(issue, at);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    throw badRequest(param, `There is no parameter "${param}". Is it spelt right?`, 'unknown_parameter');
  }
  if (issue.received === 'undefined') throw badRequest(param, `"${param}" is missing.`, 'missing_required_parameter');
  throw badRequest(param, `"${param}" is not right. ${issue.message}`);
}

/** The path to a value, written as OpenAI does: `messages[0].content`. */
function pathOf(issue: v.BaseIssue<unknown>, at: string): string {
  const steps = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  return `${at}${steps.join('')}`.replace(/^\./, '');
}
