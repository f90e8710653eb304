/**
 * Models from peers: against one plain download at the rate of the server, against a data channel with nothing above it, among
 * liars, killed again and again, beside an answer on the same link, and in the memory of a tab.
 */
import { BenchMesh } from './bench-mesh.ts';
import { chat } from './chat.ts';
import { hostile } from './hostile.ts';
import { joining } from './joining.ts';
import { killed } from './killed.ts';
import { tabMemory } from './tab-memory.ts';
import { nodeThroughput, tabThroughput } from './throughput.ts';

export const PARTS = ['joining', 'throughput', 'browser', 'memory', 'hostile', 'killed', 'chat'] as const;
type Part = (typeof PARTS)[number];

export interface SwarmOptions {
  mb: number;
  /** In Node, that begin at once. */
  joiners: number;
  /** In Chromium, that begin with them. */
  tabs: number;
  kills: number;
  rounds: number;
  tabMb: number;
  chatMb: number;
  /** Left out: all. */
  part?: readonly Part[];
}

export async function swarm({ mb, joiners, tabs, kills, rounds, tabMb, chatMb, part: only }: SwarmOptions) {
  const mesh = await BenchMesh.start();
  const part = async <Result>(name: Part, measure: () => Promise<Result>) =>
    only === undefined || only.includes(name) ? measure() : null;
  try {
    const model = await mesh.model(mb);
    const joined = await part('joining', () => joining(mesh, model, { joiners, tabs }));
    const browserThroughputRatio = await part('browser', () => tabThroughput(mesh, model, rounds));
    const nodeThroughputRatio = await part('throughput', () => nodeThroughput(mesh, model, rounds));
    const hostileTimeRatio = await part('hostile', () => hostile(mesh, model, rounds));
    const refetchedPiecesMax = await part('killed', () => killed(mesh, model, kills));
    const tabMemoryMiB = await part('memory', () => tabMemory(mesh, tabMb));
    const chatSlowdown = await part('chat', async () => chat(mesh, await mesh.model(chatMb), rounds));
    return {
      ...{ bench: 'swarm', timeRatio: joined?.timeRatio ?? null, sourceCopies: joined?.sourceCopies ?? null },
      ...{ browserThroughputRatio, nodeThroughputRatio, hostileTimeRatio, refetchedPiecesMax },
      ...{ wrongBytes: mesh.wrongBytes, tabMemoryMiB, chatSlowdown },
    };
  } finally {
    await mesh.stop();
  }
}
