/** Looks at values that are whole: whether they follow what their schemas say beyond what was enforced. */
import { asMeshError } from '@llmesh/core/base/errors';
import type { Wanted } from '../request/answer-form.ts';
import { ContainedFailure, type ContainedProcess } from '../../contained/contained-process.ts';

export interface WholeAnswer {
  text: string;
  calls: readonly { id: string; name: string; arguments: string }[];
}

/** What is wrong, in words for the model; null: nothing. */
export interface Faults {
  said: string | null;
  /** By the ids of the calls. */
  calls: ReadonlyMap<string, string>;
}

/** Longer values are given out as they are. */
const MAX_VALUE_CHARS = 262_144;

/**
 * Null: nothing is wrong, or nothing that could be told in time. The schemas of strangers are read in a process of its own,
 * which can be ended.
 */
export async function faultsOf(
  { said, calls: wanted }: Wanted,
  { text, calls }: WholeAnswer,
  checker: Pick<ContainedProcess, 'run'>,
): Promise<Faults | null> {
  const called = calls.flatMap(({ id, name, arguments: value }) => {
    const schema = wanted.get(name);
    return schema === undefined ? [] : [{ id, schema: JSON.stringify(schema), value }];
  });
  const speech = said !== null && calls.length === 0 ? [{ id: null, schema: JSON.stringify(said), value: text }] : [];
  const values = [...speech, ...called].filter(({ value }) => value.length <= MAX_VALUE_CHARS && isJson(value));
  if (values.length === 0) return null;
  const texts = await faultTexts(values, checker);
  const faults = values.flatMap(({ id }, i) => (texts[i] ? [{ id, fault: texts[i] }] : []));
  if (faults.length === 0) return null;
  const byCall = faults.flatMap(({ id, fault }) => (id === null ? [] : [[id, fault] as const]));
  return { said: faults.find(({ id }) => id === null)?.fault ?? null, calls: new Map(byCall) };
}

async function faultTexts(
  values: readonly { schema: string; value: string }[],
  checker: Pick<ContainedProcess, 'run'>,
): Promise<string[]> {
  try {
    return await checker.run({ kind: 'values', values: values.map(({ schema, value }) => ({ schema, value })) });
  } catch (thrown) {
    // A schema that cannot be checked, or not in time, is a hint: the answer is enforced as far as it can be.
    const isHint =
      thrown instanceof ContainedFailure || asMeshError(thrown, 'engine_failed', '').code === 'engine_failed';
    if (isHint) return [];
    throw thrown;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
