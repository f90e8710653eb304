/** Cuts files into content-defined chunks, in a thread of its own: it takes a core for seconds. */
import { Worker } from 'node:worker_threads';
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled, MeshError } from '@llmesh/core/base/errors';

const PROGRAM = new URL('../../../bin/cut.mjs', import.meta.url);

/** For the thread. */
export interface CutJob {
  files: readonly string[];
  /** Rests as long as it worked. */
  gently: boolean;
}

/** The lists of all files as `packLists` has them. Rejects with cancelled, or model_integrity when one cannot be read. */
export async function cutFiles(job: CutJob, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  if (signal.aborted) throw cancelled();
  // What this process was started with, as the conditions of its imports, is not for code that is compiled.
  const thread = new Worker(PROGRAM, { workerData: job, execArgv: [] });
  let forget = () => {};
  try {
    return await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      forget = onAbort(signal, () => reject(cancelled()));
      thread.once('message', resolve);
      thread.once('error', (cause) => {
        const message = 'A model cannot be read, so what newer versions share with it is not known. Check the disk.';
        reject(new MeshError('model_integrity', message, { cause }));
      });
    });
  } finally {
    forget();
    await thread.terminate();
  }
}
