/** A job with nothing but its module, for tests. */
import type { WasmJob } from '../jobs/job.ts';

export function jobOf(module: Uint8Array<ArrayBuffer>, more: Partial<WasmJob> = {}): WasmJob {
  return {
    module,
    args: [],
    env: [],
    stdin: new Uint8Array(),
    files: [],
    seed: 0,
    limits: { gas: 100_000_000, pages: 64, wallMs: 10_000, outputBytes: 65_536 },
    ...more,
  };
}
