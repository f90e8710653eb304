/** What a transfer takes of a tab's memory, over what the tab has when it does nothing. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import type { BenchMesh } from './bench-mesh.ts';

import { rounded, say, seconds } from './say.ts';

/** MiB, see `ModelTab.memoryDuring`. */
export async function tabMemory(mesh: BenchMesh, mb: number): Promise<number> {
  const model = await mesh.model(mb);
  const lender = await mesh.lender(model);
  const tab = await mesh.joinTab();
  const all: Fetched[] = [];
  const mib = await tab.memoryDuring(async () => {
    all.push(await tab.ask<Fetched>({ do: 'fetch', model, source: null, lend: false }));
  });
  await mesh.check(model, all);
  await mesh.leave([tab, lender]);
  say(`a tab that gets ${mb} MB in ${seconds(all[0]?.ms ?? 0)} takes ${mib.toFixed(1)} MiB more than when it is idle`);
  return rounded(mib);
}
