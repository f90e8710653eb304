/** Lists of functions in a real process of their own: long ones of people who mean well, and those that cost too much. */
import { describe, expect, it } from 'vitest';
import { HOSTILE_SCHEMAS } from '@llmesh/core/fuzz/hostile-schemas';
import { genericForm } from '@llmesh/core/syntax/generic-form';
import type { Tools } from '@llmesh/core/protocol';
import { contained } from './contained.ts';
import { FunctionForms } from './function-forms.ts';

const never = new AbortController().signal;
const offering = (functions: readonly object[]): Tools => ({
  list: JSON.stringify(functions),
  choice: 'auto',
  parallel: true,
});

describe('the forms of functions', () => {
  const forms = new FunctionForms(contained.llama);

  it('are the same wherever they are worked out', async () => {
    const parameters = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] };
    const description = 'It is on or off. '.repeat(20);
    const long = Array.from({ length: 128 }, (_, i) => ({ name: `lamp${i}`, description, parameters }));
    for (const functions of [long.slice(0, 2), long]) {
      expect(await forms.generic(offering(functions), undefined, never)).toEqual(genericForm(offering(functions)));
    }
    const frame = { before: '<tool_call>{"name": "', between: '", "arguments": ', after: '}</tool_call>' };
    expect(await forms.calls(frame, long, never)).toContain('lamp127');
  });

  it('hold up nothing else while a stranger’s list is worked off', async () => {
    const names = ['too many objects that begin alike', 'too many patterns'];
    const functions = HOSTILE_SCHEMAS.filter(({ name }) => names.includes(name)).map(({ schema }, i) => ({
      name: `f${i}`,
      parameters: JSON.parse(schema) as object,
    }));
    expect(functions).toHaveLength(2);
    // This process works off nothing of it: all that it does is to wait.
    const jobs: string[] = [];
    const elsewhere = new FunctionForms({
      run: (job) => {
        jobs.push(job.kind);
        return contained.llama.run(job);
      },
    });
    await elsewhere.generic(offering(functions), undefined, never).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'bad_schema' });
    });
    // An agent offers the same list at each turn.
    await elsewhere.generic(offering(functions), undefined, never).catch(() => {});
    expect(jobs).toEqual(['generic']);
  });
});
