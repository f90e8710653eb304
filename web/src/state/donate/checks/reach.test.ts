/** What the addresses that a browser finds mean for whoever wants to reach it. */
import { expect, it } from 'vitest';
import { reachOf, type Found, type Looked } from './reach.ts';
import { ReachCheck } from './reach-check.svelte.ts';

const host: Found = { type: 'host', protocol: 'udp', port: 5000, relatedPort: null };
const seen = (port: number, relatedPort = 5000): Found => ({ type: 'srflx', protocol: 'udp', port, relatedPort });
const relay: Found = { type: 'relay', protocol: 'udp', port: 60_000, relatedPort: 5000 };
const asked = { stun: 2, turn: 1 };

it.each<[string, Looked, string]>([
  ['one port for everybody', { found: [host, seen(40_000), seen(40_000)], asked }, 'direct'],
  ['one port for each of two interfaces', { found: [seen(40_000), seen(40_001, 5001)], asked }, 'direct'],
  ['another port for each partner', { found: [host, seen(40_000), seen(40_001), relay], asked }, 'strict'],
  ['ports that the browser does not tell of', { found: [seen(40_000, 0), seen(40_001, 0)], asked }, 'direct'],
  ['only a relay', { found: [host, relay], asked }, 'relay'],
  ['only TCP', { found: [host, { ...seen(40_000), protocol: 'tcp' }], asked }, 'blocked'],
  ['nobody outside', { found: [host], asked }, 'blocked'],
  ['nobody outside to ask', { found: [host], asked: { stun: 0, turn: 0 } }, 'local'],
  ['no address at all', { found: [], asked }, 'none'],
])('judges %s', (_what, looked, reach) => {
  expect(reachOf(looked)).toBe(reach);
});

function check(other: Partial<ConstructorParameters<typeof ReachCheck>[0]> = {}) {
  const looks: number[] = [];
  const reach = new ReachCheck({
    look: async () => (looks.push(1), { found: [host, seen(40_000)], asked }),
    hidden: () => false,
    connected: () => true,
    failed: () => {},
    ...other,
  });
  return { reach, looks };
}

it('looks for no address of whoever hides it, or without a mesh', async () => {
  const hides = check({ hidden: () => true });
  await hides.reach.run();
  const alone = check({ connected: () => false });
  await alone.reach.run();
  expect([hides.reach.result, hides.looks, alone.reach.result, alone.looks]).toEqual(['hidden', [], 'offline', []]);
});

it('says so where the browser makes no connections', async () => {
  const { reach } = check({ look: () => Promise.reject(new Error('RTCPeerConnection is not defined')) });
  await reach.run();
  expect([reach.result, reach.running]).toEqual(['absent', false]);
});
