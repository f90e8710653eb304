/** `llmesh worker status` and `llmesh status --watch`: the worker of this computer, and the service that starts it. */
import { MeshError } from '@llmesh/core/base/errors';
import { dataFolder } from '../files/data-folder.ts';
import type { Output } from '../cli/output.ts';
import { hereService } from './service-command.ts';
import { reportLines } from '../status/report-view.ts';
import { readReport, watchReport } from '../status/report-reader.ts';

const NO_WORKER = 'No worker runs on this computer. Start one: llmesh worker --model llmesh-tiny';
/** How often to repaint, so that the running time moves while nothing else changes. */
const REPAINT_MS = 1_000;

export async function showWorker({ data }: { data?: string }, output: Output): Promise<void> {
  const [worker, service] = await Promise.all([readReport(dataFolder(data)), serviceState(data)]);
  const lines = worker === null ? [NO_WORKER] : reportLines(worker, Date.now(), Infinity);
  output.print([...lines, `Service: ${service ?? 'none'}`].join('\n'), { worker, service });
}

/** Watches until the worker ends or `signal` aborts. Rejects when none runs. */
export async function watchWorker({ data }: { data?: string }, output: Output, signal: AbortSignal): Promise<void> {
  let seen = false;
  let repaint = () => {};
  const timer = setInterval(() => repaint(), REPAINT_MS);
  try {
    for await (const worker of watchReport(dataFolder(data), signal)) {
      seen = true;
      if (output.json) output.print('', { worker });
      else {
        repaint = () => {
          const lines = reportLines(worker, Date.now(), process.stdout.columns || 80);
          output.screen([...lines, 'Ctrl-C leaves; the worker keeps running.']);
        };
        repaint();
      }
    }
  } finally {
    clearInterval(timer);
  }
  if (!seen && !signal.aborted) throw new MeshError('offline', NO_WORKER);
  if (!signal.aborted) output.note('The worker has ended.');
}

/** null where it was not installed. */
async function serviceState(data: string | undefined): Promise<string | null> {
  try {
    const service = hereService(data);
    return (await service.isInstalled()) ? await service.state() : null;
  } catch (thrown) {
    // On a system whose services we do not know there can be none of ours.
    if (thrown instanceof MeshError) return null;
    throw thrown;
  }
}
