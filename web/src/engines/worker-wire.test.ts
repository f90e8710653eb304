import { MeshError } from '@llmesh/core/base/errors';
import { expect, it } from 'vitest';
import { valueOf } from './outcome.ts';
import { outcomeOf } from './worker-wire.ts';

const failing = (error: unknown) => async () => {
  throw error;
};

it('takes the code, the words and the cause of an error to the page', async () => {
  const cause = new TypeError(`${'x'.repeat(400)} is not a function`);
  const outcome = await outcomeOf(failing(new MeshError('model_wrong_library', 'Another one.', { cause })), false);
  expect(outcome).toMatchObject({ ok: false, code: 'model_wrong_library', message: 'Another one.' });
  expect(outcome).toMatchObject({ detail: expect.stringMatching(/^TypeError: x{289}$/) });
  expect(() => valueOf(outcome)).toThrow('Another one.');
});

it('keeps the text of a cause that may quote the prompt', async () => {
  const outcome = await outcomeOf(failing(new MeshError('engine_failed', 'No.', { cause: new Error('secret') })), true);
  expect(outcome).toMatchObject({ detail: 'Error' });
  expect(await outcomeOf(failing('a text'), true)).toMatchObject({ code: 'engine_failed', detail: 'string' });
});
