/** From one peer to another, beside a data channel between two of the same kind that carries as many bytes. */
import type { Fetched, RawCommand } from '@llmesh/e2e/model-tab/commands';
import { percentile } from '../statistics.ts';
import type { BenchMesh } from './bench-mesh.ts';
import type { BenchModel } from './messages.ts';
import { rate, rounded, say, seconds } from './say.ts';
import { SlowSource } from './source.ts';

interface RawPeer {
  ask<Result>(command: RawCommand): Promise<Result>;
}

export async function nodeThroughput(mesh: BenchMesh, model: BenchModel, rounds: number): Promise<number> {
  const lender = await mesh.lender(model);
  const ratios: number[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const ends = [mesh.start(), mesh.start()] as const;
    const rawRate = await raw(...ends, model.sizeBytes);
    await mesh.leave(ends);
    const fetched = await mesh.fetchOnce(model);
    if (round > 0) ratios.push(compared('Node', rawRate, fetched));
  }
  await mesh.leave([lender]);
  return rounded(percentile(ratios, 50));
}

/** Two tabs, whose stores are those of the page. The raw channel is between the same two. */
export async function tabThroughput(mesh: BenchMesh, model: BenchModel, rounds: number): Promise<number> {
  const lender = await mesh.joinTab();
  const source = await SlowSource.start(model, Infinity);
  await lender.ask<Fetched>({ do: 'fetch', model, source: source.url, lend: true });
  await source.stop();
  const ratios: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const tab = await mesh.joinTab();
    const rawRate = await raw(lender, tab, model.sizeBytes);
    const fetched = await tab.ask<Fetched>({ do: 'fetch', model, source: null, lend: false });
    await mesh.check(model, [fetched]);
    await mesh.leave([tab]);
    if (round > 0) ratios.push(compared('Chromium', rawRate, fetched));
  }
  await mesh.leave([lender]);
  return rounded(percentile(ratios, 50));
}

/** Bytes per second. */
async function raw(near: RawPeer, far: RawPeer, bytes: number): Promise<number> {
  const offer = await near.ask<string>({ do: 'raw offer' });
  const answer = await far.ask<string>({ do: 'raw answer', sdp: offer });
  await near.ask({ do: 'raw answered', sdp: answer });
  const received = far.ask<number>({ do: 'raw receive', bytes });
  await near.ask({ do: 'raw send', bytes });
  const ms = await received;
  await near.ask({ do: 'raw close' });
  return (bytes / ms) * 1000;
}

function compared(kind: string, rawRate: number, { bytesPerSecond, ms }: Fetched): number {
  say(`${kind}: raw channel ${rate(rawRate)}, pieces ${rate(bytesPerSecond)}, all in all ${seconds(ms)}`);
  return bytesPerSecond / rawRate;
}
