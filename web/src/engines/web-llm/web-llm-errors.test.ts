import { IntegrityError } from '@mlc-ai/web-llm';
import { expect, it } from 'vitest';
import { generateError, loadError } from './web-llm-errors.ts';

const FOLDER = 'https://models.example/u/m/resolve/main/';

function named(name: string): Error {
  const error = new Error('whatever it says');
  error.name = name;
  return error;
}

it('tells what went wrong while loading', () => {
  expect(loadError(new WebAssembly.LinkError('import'), FOLDER).code).toBe('model_wrong_library');
  expect(loadError(new WebAssembly.CompileError('magic'), FOLDER).code).toBe('model_wrong_library');
  expect(loadError(new IntegrityError(`${FOLDER}tokenizer.json`, 'a', 'b'), FOLDER)).toMatchObject({
    code: 'model_integrity',
    message: expect.stringContaining('tokenizer.json'),
  });
  expect(loadError(named('WebGPUNotAvailableError'), FOLDER).code).toBe('webgpu_absent');
  expect(loadError(named('ShaderF16SupportError'), FOLDER).code).toBe('webgpu_absent');
  expect(loadError(named('DeviceLostError'), FOLDER).code).toBe('out_of_memory');
  expect(loadError(named('ModelNotFoundError'), FOLDER).code).toBe('model_not_found');
  expect(loadError(new DOMException('full', 'QuotaExceededError'), FOLDER).code).toBe('storage_full');
  expect(loadError(new TypeError('x is not a function'), FOLDER).code).toBe('model_wrong_library');
  expect(loadError(new WebAssembly.RuntimeError('unreachable'), FOLDER).code).toBe('model_wrong_library');
  expect(loadError('a string', FOLDER).code).toBe('engine_failed');
});

it('tells what went wrong in an answer', () => {
  expect(generateError(named('ContextWindowSizeExceededError')).code).toBe('prompt_too_long');
  expect(generateError(named('ModelNotLoadedError')).code).toBe('device_lost');
  expect(generateError(new Error('?')).code).toBe('engine_failed');
});
