/** `llmesh status`: who is on a mesh, and what it offers. */
import { offerName } from '@llmesh/core/policy/offer-name';
import { dataFolder } from '../files/data-folder.ts';
import { fetchModels, fetchStats } from '../node/mesh-api.ts';
import { taskOf } from '@llmesh/core/wire/model-advert';
import type { Output } from '../cli/output.ts';
import { forksSentence } from '../log/say-forks.ts';
import { readReport } from '../status/report-reader.ts';
import { reportSentence } from '../status/report-view.ts';
import { oneLine } from '../cli/terminal-text.ts';

/** What is said of the kinds of task that we know; nothing of chatting, which most models are lent for. */
const WHAT_FOR: Readonly<Record<string, string>> = { chat: '', embedding: ', turns text into vectors' };

/** Shows the mesh, and the worker of this computer if one runs. */
export async function showStatus(mesh: URL, data: string | undefined, output: Output): Promise<void> {
  const report = readReport(dataFolder(data));
  const [stats, models] = await Promise.all([fetchStats(mesh), fetchModels(mesh)]);
  const worker = await report;
  const forks = await forksSentence(data);
  const lines = [
    `${mesh.origin}: ${count(stats.peers, 'peer')}, ${count(stats.providers, 'provider')}, ${stats.busySlots} of ${count(stats.slots, 'slot')} busy, ${stats.tokensPerSecond.toFixed(1)} tokens a second`,
    ...models.map((model) => {
      const speed = model.tokensPerSecond === null ? '' : `, ${model.tokensPerSecond.toFixed(1)} tokens a second`;
      const does = WHAT_FOR[taskOf(model)] ?? `, for tasks of the kind "${taskOf(model)}"`;
      const waiting = model.queued === 0 ? '' : `, ${model.queued} waiting`;
      return `  ${offerName(model)}  ${oneLine(model.name)} ${oneLine(model.quant)}: ${count(model.providers, 'provider')}, ${model.busySlots} of ${count(model.slots, 'slot')} busy${waiting}${speed}${does}`;
    }),
    ...(models.length === 0
      ? ['  Nobody lends a model right now. Be the first: llmesh worker --model llmesh-tiny']
      : []),
    ...(worker === null ? [] : [reportSentence(worker)]),
    ...(forks === null ? [] : [forks]),
  ];
  output.print(lines.join('\n'), { mesh: mesh.origin, stats, models, worker, forks });
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
