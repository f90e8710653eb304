// @vitest-environment node
import { MeshError } from '@llmesh/core/base/errors';
import { expect, it } from 'vitest';
import { NativeLog } from '../wllama/native-log.ts';
import { engineError } from './engine-error.ts';
import { codeFailure } from '../../adapters/page-code.ts';
import { runsWasm } from './wasm.ts';

it('recognises what nothing below it did', async () => {
  const known = new MeshError('device_lost', 'Gone.');
  expect(await engineError(known)).toBe(known);
  expect(await engineError(new DOMException('', 'QuotaExceededError'))).toMatchObject({ code: 'storage_full' });
  expect(await engineError(new RangeError('Array buffer allocation failed'))).toMatchObject({ code: 'out_of_memory' });
  expect(await engineError(new Error('?'))).toMatchObject({ code: 'engine_failed' });
  expect(await engineError('a text')).toMatchObject({ code: 'engine_failed' });
});

it('runs a little WebAssembly', async () => {
  expect(await runsWasm()).toBe(true);
});

it('tells a server that is away from code that does not start', async () => {
  expect(await codeFailure('http://127.0.0.1:1/code.js')).toMatchObject({
    code: 'page_incomplete',
    message: expect.stringContaining('does not answer'),
  });
  expect(await codeFailure('data:text/javascript,0')).toMatchObject({
    code: 'page_incomplete',
    message: expect.stringContaining('does not start in this browser'),
  });
});

it.each([
  'ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 734003200',
  'Aborted(OOM)',
  new Error('(ABORT) Aborted(Cannot enlarge memory arrays)'),
  'WebAssembly.Memory(): could not allocate memory: out of memory',
  'std::bad_alloc',
])('reads in the log of llama.cpp that memory ran out: %s', (line) => {
  const log = new NativeLog();
  log.warn('llama_model_loader: loaded meta data with 26 key-value pairs');
  expect(log.outOfMemory).toBe(false);
  log.error(line);
  expect(log.outOfMemory).toBe(true);
});
