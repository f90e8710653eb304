/** Many begin at once, and nobody has anything but one slow server; beside one plain download from such a server. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { rounded, say, seconds } from './say.ts';
import { SlowSource } from './source.ts';

const SOURCE_BYTES_PER_SECOND = 1_000_000;

/** `joiners` processes of Node, and `tabs` of Chromium. */
export async function joining(
  mesh: BenchMesh,
  model: BenchModel,
  { joiners, tabs }: { joiners: number; tabs: number },
): Promise<{ timeRatio: number; sourceCopies: number }> {
  const alone = await SlowSource.start(model, SOURCE_BYTES_PER_SECOND);
  const beginMs = performance.now();
  const response = await fetch(alone.url);
  await response.arrayBuffer();
  const aloneMs = performance.now() - beginMs;
  await alone.stop();
  const source = await SlowSource.start(model, SOURCE_BYTES_PER_SECOND);
  const peers = [
    ...(await Promise.all(Array.from({ length: joiners }, () => mesh.join()))),
    ...(await mesh.joinTabs(tabs)),
  ];
  const fetched = await Promise.all(
    peers.map((peer) => peer.ask<Fetched>({ do: 'fetch', model, source: source.url, lend: true })),
  );
  // What each took: the last look at the file, for the benchmark, is no part of it.
  const ms = Math.max(...fetched.map((one) => one.ms));
  await mesh.check(model, fetched);
  const sourceCopies = rounded(source.sentBytes / model.sizeBytes);
  await source.stop();
  await mesh.leave(peers);
  const timeRatio = rounded(ms / aloneMs);
  say(
    `${joiners} peers in Node and ${tabs} in Chromium, one server of 1 MB/s: ${seconds(ms)}, one plain download ${seconds(aloneMs)}: ratio ${timeRatio}; the server sent ${sourceCopies} copies`,
  );
  return { timeRatio, sourceCopies };
}
