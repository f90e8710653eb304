/** Whatever an engine threw as an error that names its cause: what nothing below recognised is recognised here. */
import { MeshError } from '@llmesh/core/base/errors';
import { codeFailure } from '../../adapters/page-code.ts';
import { isFull, storageFull } from './room.ts';
import { wasmAbsent } from '../../state/device/no-model.ts';
import { runsWasm } from './wasm.ts';

export function outOfMemory(cause?: unknown): MeshError {
  return new MeshError(
    'out_of_memory',
    'This device ran out of memory for the model. Close other tabs and programs, or choose a smaller model.',
    { cause },
  );
}

export async function engineError(thrown: unknown): Promise<MeshError> {
  if (thrown instanceof MeshError) return thrown;
  if (isFull(thrown)) return storageFull(thrown);
  // Browsers say so when they cannot allocate a buffer.
  if (thrown instanceof RangeError) return outOfMemory(thrown);
  if (!(await runsWasm())) return wasmAbsent(thrown);
  return new MeshError(
    'engine_failed',
    'The program that runs models failed on this device, for a reason that it did not name. Reload the page and try ' +
      'again; if this comes back, choose another model.',
    { cause: thrown },
  );
}

/** Fetches a part of the page. `self` is named after all of its parts: as long as it is there, so are they. */
export async function loadCode<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw await codeFailure(globalThis.location.href, cause);
  }
}
