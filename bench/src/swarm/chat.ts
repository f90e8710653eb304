/** An answer, alone and while a model comes over the same link all the time. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import { percentile } from '../statistics.ts';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { rate, rounded, say } from './say.ts';

const WORDS_PER_SECOND = 40;

/** Throws when a transfer ended before its answer did: it measured something else. */
export async function chat(mesh: BenchMesh, model: BenchModel, rounds: number): Promise<number> {
  const lender = await mesh.lender(model);
  await lender.ask({ do: 'provide', wordsPerSecond: WORDS_PER_SECOND });
  const slowdowns: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const peer = await mesh.join();
    const alone = await peer.ask<number>({ do: 'ask' });
    const report = peer.watch((loadedBytes) => loadedBytes > 0);
    let ended = false;
    const fetching = peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false }).finally(() => (ended = true));
    await report.reached;
    const beside = await peer.ask<number>({ do: 'ask' });
    if (ended) throw new Error('The model came before the answer was written. Take a larger one with --chat-mb.');
    const { bytesPerSecond } = await fetching;
    slowdowns.push(1 - beside / alone);
    say(
      `an answer alone ${alone.toFixed(1)} words/s, while a model comes at ${rate(bytesPerSecond)} ${beside.toFixed(1)} words/s`,
    );
    await mesh.leave([peer]);
  }
  await mesh.leave([lender]);
  return rounded(percentile(slowdowns, 50));
}
