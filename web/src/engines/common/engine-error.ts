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

/** Fetches a part of the page. Rejects with page_outdated or page_incomplete. */
export async function loadCode<T>(load: () => Promise<T>): Promise<T> {
  const beganMs = performance.now();
  try {
    return await load();
  } catch (cause) {
    throw await codeFailure(failedSince(beganMs) ?? globalThis.location.href, cause);
  }
}

/** What could not be fetched since then. null: the browser tells nothing; then our own file stands for all that it imports. */
function failedSince(beganMs: number): string | null {
  const fetched = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
  const failed = fetched.filter(({ startTime, responseStatus }) => startTime >= beganMs && responseStatus !== 200);
  return failed.at(-1)?.name ?? null;
}
