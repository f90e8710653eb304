/** The thread of `cut-files.ts`. It may wait for the disk: nobody else lives here. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { ChunkCutter } from '@llmesh/core/models/chunk-cutter';
import { packLists } from '@llmesh/core/models/chunk-list';
import type { CutJob } from './cut-files.ts';

const READ_BYTES = 1_048_576;

const { files, gently } = workerData as CutJob;
const packed = packLists(files.map(cut));
parentPort?.postMessage(packed, [packed.buffer]);

function cut(file: string): Uint8Array {
  const handle = openSync(file, constants.O_RDONLY);
  const never = new Int32Array(new SharedArrayBuffer(4));
  try {
    const cutter = new ChunkCutter();
    const bytes = new Uint8Array(READ_BYTES);
    for (;;) {
      const began = performance.now();
      const read = readSync(handle, bytes, 0, READ_BYTES, null);
      if (read === 0) return cutter.end();
      cutter.add(bytes.subarray(0, read));
      if (gently) Atomics.wait(never, 0, 0, performance.now() - began);
    }
  } finally {
    closeSync(handle);
  }
}
