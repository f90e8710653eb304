/** What a transfer takes of a tab's memory, over what the tab has when it does nothing. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import type { Memory } from '@llmesh/e2e/model-tab/tab';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { rounded, say, seconds } from './say.ts';

const MIB = 1_048_576;
/** What the tab gives then, at most: it takes no more memory with more. */
const GIVEN_BYTES = 150_000_000;

/** MiB while a model comes from a peer, program code of the browser included. */
export async function tabMemory(mesh: BenchMesh, mb: number): Promise<number> {
  const model = await mesh.model(mb);
  const lender = await mesh.lender(model);
  const tab = await mesh.joinTab();
  const idle = await tab.memory();
  const all: Fetched[] = [];
  const coming = await tab.mostMemory(async () => {
    all.push(await tab.ask<Fetched>({ do: 'fetch', model, source: null, lend: true }));
  });
  await mesh.leave([lender]);
  const going = await tab.mostMemory(() => give(mesh, model));
  await mesh.check(model, all);
  await mesh.leave([tab]);
  tell(`a tab that gets ${mb} MB from a peer in ${seconds(all[0]?.ms ?? 0)}`, idle, coming);
  tell('the same tab while it gives them to another', idle, going);
  return rounded((coming.bytes - idle.bytes) / MIB);
}

async function give(mesh: BenchMesh, model: BenchModel): Promise<void> {
  const peer = await mesh.join();
  const { reached } = peer.watch((loadedBytes) => loadedBytes >= Math.min(GIVEN_BYTES, model.sizeBytes));
  // Who leaves early ends its own fetch.
  const fetching = peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false }).catch(() => {});
  await reached;
  await mesh.leave([peer]);
  await fetching;
}

function tell(what: string, idle: Memory, most: Memory): void {
  const [all, own] = [most.bytes - idle.bytes, most.ownBytes - idle.ownBytes].map((bytes) => (bytes / MIB).toFixed(1));
  say(`${what}: ${all} MiB more than when it is idle, ${own} without program code`);
}
