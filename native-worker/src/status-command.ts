/** `llmesh status`: who is on a mesh, and what it offers. */
import { fetchModels, fetchStats } from './mesh-api.ts';
import type { Output } from './output.ts';

export async function showStatus(mesh: URL, output: Output): Promise<void> {
  const [stats, models] = await Promise.all([fetchStats(mesh), fetchModels(mesh)]);
  const lines = [
    `${mesh.origin}: ${count(stats.peers, 'peer')}, ${count(stats.providers, 'provider')}, ${stats.busySlots} of ${count(stats.slots, 'slot')} busy, ${stats.tokensPerSecond.toFixed(1)} tokens a second`,
    ...models.map((model) => {
      const speed = model.tokensPerSecond === null ? '' : `, ${model.tokensPerSecond.toFixed(1)} tokens a second`;
      const waiting = model.queued === 0 ? '' : `, ${model.queued} waiting`;
      return `  ${model.id}  ${model.name} ${model.quant}: ${count(model.providers, 'provider')}, ${model.busySlots} of ${count(model.slots, 'slot')} busy${waiting}${speed}`;
    }),
    ...(models.length === 0
      ? ['  Nobody lends a model right now. Be the first: llmesh worker --model llmesh-tiny']
      : []),
  ];
  output.print(lines.join('\n'), { mesh: mesh.origin, stats, models });
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
