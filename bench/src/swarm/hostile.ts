/** Two honest lenders, without and with three beside them that are not. */
import type { Deceit } from '@llmesh/e2e/model-tab/liar';
import { percentile } from '../statistics.ts';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { rounded, say, seconds } from './say.ts';

const LIARS: readonly Deceit[] = ['wrong pieces', 'silence', 'what it lacks'];

export async function hostile(mesh: BenchMesh, model: BenchModel, rounds: number): Promise<number> {
  const lenders = [await mesh.lender(model), await mesh.lender(model)];
  const measure = async () => {
    const all: number[] = [];
    for (let round = 0; round < rounds; round++) all.push((await mesh.fetchOnce(model)).ms);
    return percentile(all, 50);
  };
  const alone = await measure();
  const liars = await Promise.all(LIARS.map((deceit) => mesh.liar(model, deceit)));
  const among = await measure();
  await mesh.leave([...lenders, ...liars]);
  const hostileTimeRatio = rounded(among / alone);
  say(
    `two lenders ${seconds(alone)}, with a liar, a staller and a boaster beside them ${seconds(among)}: ratio ${hostileTimeRatio}`,
  );
  return hostileTimeRatio;
}
