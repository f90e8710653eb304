/** What a transfer takes of a tab's memory, over what the tab has when it does nothing; beside a plain download in another tab. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import type { Memory } from '@llmesh/e2e/model-tab/tab';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { rounded, say } from './say.ts';
import { SlowSource } from './source.ts';

const MIB = 1_048_576;

/** MiB, program code of the browser included: while a model comes from a peer, and then goes to another. */
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
  const going = await tab.mostMemory(() => mesh.fetchOnce(model));
  await mesh.check(model, all);
  await mesh.leave([tab]);
  tell(`a tab that gets ${mb} MB from a peer`, idle, coming);
  tell('then gives them to another', idle, going);
  await plainDownload(mesh, model);
  return rounded(Math.max(coming.bytes, going.bytes, idle.bytes) / MIB - idle.bytes / MIB);
}

async function plainDownload(mesh: BenchMesh, model: BenchModel): Promise<void> {
  const source = await SlowSource.start(model, Infinity);
  const tab = await mesh.joinTab();
  const idle = await tab.memory();
  const most = await tab.mostMemory(async () => {
    const bytes = await tab.ask<number>({ do: 'plain copy', url: source.url });
    if (bytes !== model.sizeBytes) throw new Error(`The plain download brought ${bytes} bytes.`);
  });
  await mesh.leave([tab]);
  await source.stop();
  tell('a tab that downloads them from a server, with nothing of ours', idle, most);
}

function tell(what: string, idle: Memory, most: Memory): void {
  const [all, own] = [most.bytes - idle.bytes, most.ownBytes - idle.ownBytes].map((bytes) => (bytes / MIB).toFixed(1));
  say(`${what}: ${all} MiB more than when it is idle, ${own} of them no program code`);
}
