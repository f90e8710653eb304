import { newPeerId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { describe, expect, it } from 'vitest';
import { Network } from './network.svelte.ts';

const stats = {
  uptimeSeconds: 1,
  waiting: 0,
  peers: 2,
  providers: 1,
  slots: 1,
  busySlots: 0,
  queued: 0,
  tokensPerSecond: 0,
  matches: 0,
};
const lender = {
  peerId: newPeerId(),
  agent: 'native',
  models: [
    {
      id: 'm',
      name: 'M',
      quant: 'q4',
      format: 'gguf',
      backend: 'cpu',
      contextTokens: 2048,
      sha256: null,
      continues: 'ids',
      tokensPerSecond: null,
    },
  ],
  slots: 1,
  busySlots: 0,
  queued: 0,
  sinceSeconds: 1,
};
const requester = { ...lender, peerId: newPeerId(), models: [], slots: 0 };

function watching(pages: Record<string, unknown>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const getJson = async (path: string) => {
    asked.push(path);
    if (!(path in pages)) throw new Error('HTTP 502');
    return pages[path];
  };
  return { clock, asked, network: new Network({ getJson, clock, heard: () => {} }) };
}

describe('Network, over a fake server', () => {
  it('shows those who lend, and asks again every two seconds until nobody looks', async () => {
    const pages = { '/api/peers': { peers: [lender, requester] }, '/api/models': { models: [] }, '/api/stats': stats };
    const { clock, asked, network } = watching(pages);
    const stop = network.watch();
    await clock.advance(0);
    expect(network.providers.map(({ peerId }) => peerId)).toEqual([lender.peerId]);
    expect(network.stats?.peers).toBe(2);
    await clock.advance(4_000);
    expect(asked).toHaveLength(9);
    stop();
    await clock.advance(10_000);
    expect(asked).toHaveLength(9);
  });

  it('says when the server is away or talks nonsense, and keeps what it knew', async () => {
    const pages: Record<string, unknown> = {
      '/api/peers': { peers: [lender] },
      '/api/models': { models: [] },
      '/api/stats': stats,
    };
    const { clock, network } = watching(pages);
    const stop = network.watch();
    await clock.advance(0);
    pages['/api/stats'] = { peers: 'many' };
    await clock.advance(2_000);
    expect(network.unreachable).toBe(true);
    expect(network.stats?.peers).toBe(2);
    delete pages['/api/peers'];
    await clock.advance(2_000);
    expect(network.unreachable).toBe(true);
    pages['/api/peers'] = { peers: [] };
    pages['/api/stats'] = stats;
    await clock.advance(2_000);
    expect(network.unreachable).toBe(false);
    stop();
  });
});
