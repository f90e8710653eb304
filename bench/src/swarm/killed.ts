/** One that fetches is killed at random points, and begins again with what is on the disk; another model's worth when all is there. */
import type { Fetched } from '@llmesh/e2e/model-tab/commands';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { say } from './say.ts';

const PIECE_BYTES = 1_048_576;
/** Of what is missing, a kill lets at most so much come. */
const MOST_SHARE = 0.2;

/** How many pieces were fetched again at most after one kill. */
export async function killed(mesh: BenchMesh, model: BenchModel, kills: number): Promise<number> {
  const lender = await mesh.lender(model);
  let refetchedPiecesMax = 0;
  for (let left = kills; left > 0;) left -= await untilWhole(left);
  await mesh.leave([lender]);
  say(
    `killed ${kills} times: at most ${refetchedPiecesMax} pieces were fetched again; wrong bytes: ${mesh.wrongBytes}`,
  );
  return refetchedPiecesMax;

  /** How many kills it took until one folder has the model. */
  async function untilWhole(most: number): Promise<number> {
    const folder = mesh.newFolder();
    let [kept, kills] = [0, 0];
    while (kills < most && kept < model.sizeBytes) {
      const peer = await mesh.join(folder);
      const toCome = (model.sizeBytes - kept) * Math.random() * MOST_SHARE;
      const report = peer.watch((loadedBytes) => loadedBytes - kept >= toCome);
      const fetching = peer.ask<Fetched>({ do: 'fetch', model, source: null, lend: false }).catch(() => null);
      const startedBytes = await report.started;
      refetchedPiecesMax = Math.max(refetchedPiecesMax, Math.ceil((kept - startedBytes) / PIECE_BYTES));
      await Promise.race([report.reached, fetching]);
      await mesh.leave([peer]);
      kept = report.loadedBytes;
      kills += 1;
    }
    const last = await mesh.join(folder);
    await mesh.check(model, [await last.ask<Fetched>({ do: 'fetch', model, source: null, lend: false })]);
    await mesh.leave([last]);
    return kills;
  }
}
