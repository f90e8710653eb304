/** `llmesh worker status` and `llmesh status --watch`: the worker of this computer, and the service that starts it. */
import { MeshError } from '@llmesh/core/base/errors';
import { isPeerId } from '@llmesh/core/base/ids';
import { inCredits } from '@llmesh/core/ledger/credit';
import type { AccountPage } from '@llmesh/core/wire/credit-pages';
import { oneLine } from '../cli/terminal-text.ts';
import { dataFolder } from '../files/data-folder.ts';
import type { Output } from '../cli/output.ts';
import { hereService } from './service-command.ts';
import { reportLines } from '../status/report-view.ts';
import type { Report } from '../status/worker-report.ts';
import { fetchAccount, fetchCredits } from './credit-api.ts';
import { rateWords, todayWords } from './credit-words.ts';
import { readReport, watchReport } from '../status/report-reader.ts';

const NO_WORKER = 'No worker runs on this computer. Start one: llmesh worker --model llmesh-tiny';
/** How often to repaint, so that the running time moves while nothing else changes. */
const REPAINT_MS = 1_000;

export async function showWorker({ data }: { data?: string }, output: Output): Promise<void> {
  const [worker, service] = await Promise.all([readReport(dataFolder(data)), serviceState(data)]);
  const credits = worker === null ? null : await earned(worker);
  const lines = worker === null ? [NO_WORKER] : reportLines(worker, Date.now(), Infinity);
  const told = credits === null ? [] : credits.lines;
  output.print([...lines, ...told, `Service: ${service ?? 'none'}`].join('\n'), {
    worker,
    service,
    credits: credits?.page ?? null,
  });
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

/** What the worker earned today, and why that much. Null: its mesh has no credits, or it is not in one yet. */
async function earned({ mesh, peerId }: Report): Promise<{ lines: string[]; page: AccountPage | null } | null> {
  if (peerId === null || !isPeerId(peerId)) return null;
  try {
    const address = new URL(mesh);
    const [page, credits] = await Promise.all([fetchAccount(address, peerId), fetchCredits(address)]);
    const { free, held } = page.account;
    const lines = [
      `Credits  ${todayWords(page.today)} today`,
      `         ${inCredits(free)} free, ${inCredits(held)} held: see "llmesh balance"`,
      `         ${rateWords(credits)}`,
    ];
    return { lines, page };
  } catch (thrown) {
    if (!(thrown instanceof MeshError)) throw thrown;
    // A mesh without credits says so, and a worker needs none.
    return thrown.code === 'unsupported' ? null : { lines: [`Credits  ${oneLine(thrown.message)}`], page: null };
  }
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
