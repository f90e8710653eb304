/** Real peers' lookups; only the links between them are replaced by calls. */
import { expect, it } from 'vitest';
import { newPeerId, type PeerId } from '../base/ids.ts';
import { nodeIdentity, nodeVerify } from '../identity/node-signatures.ts';
import { contactOf } from './contact.ts';
import { writeLookupRecord } from './lookup-record.ts';
import { Lookup } from './lookup.ts';
import type { Reply } from './search.ts';

const NOW = 1_800_000_000_000;
const never = new AbortController().signal;
const identity = nodeIdentity(new Uint8Array(32).fill(7));

/** `lie`: what those peers answer instead. */
async function mesh(size: number, lie: (peer: PeerId) => Omit<Reply, 'group'> | null = () => null) {
  const peers = new Map<PeerId, Lookup>();
  let asked = 0;
  for (let i = 0; i < size; i++) {
    const self = newPeerId();
    const reach = (peer: PeerId) => {
      const other = peers.get(peer);
      if (other === undefined) throw new Error('Nobody is there.');
      other.met({ ...contactOf(self), group: self });
      return other;
    };
    const lookup = new Lookup({
      self,
      now: () => NOW,
      verify: nodeVerify,
      ask: async (peer, target) => {
        asked += 1;
        return { ...(lie(peer) ?? reach(peer).answer(target)), group: peer };
      },
      give: async (peer, record) => reach(peer).keep(record),
      paths: 4,
    });
    const anchors = [...peers.keys()].slice(0, 4);
    peers.set(self, lookup);
    await lookup.join(anchors, never);
  }
  return { peers, ids: [...peers.keys()], asked: () => asked };
}

const record = () =>
  writeLookupRecord({ kind: 'model', key: 'some-model', expiresAtMs: NOW + 60_000, addresses: [] }, identity);

it('what one publishes any other finds, also when a third of them has gone', async () => {
  const { peers, ids } = await mesh(60);
  const kept = await peers.get(ids[0]!)!.publish('model', 'some-model', await record(), never);
  expect(kept).toBe(20);
  for (let i = 0; i < 20; i++) peers.delete(ids[i]!);
  for (const lookup of peers.values()) {
    const { records, hops } = await lookup.find('model', 'some-model', 1, never);
    expect(records).toEqual([await record()]);
    expect(hops).toBeGreaterThan(0);
  }
});

it('forged and foreign records are not taken, and a flood of ids that nobody has ends', async () => {
  const forged = (await record()).slice();
  forged[40]! ^= 1;
  const foreign = await writeLookupRecord(
    { kind: 'model', key: 'another', expiresAtMs: NOW + 60_000, addresses: [] },
    identity,
  );
  let lying = false;
  const { peers, ids, asked } = await mesh(10, () =>
    lying ? { peers: Array.from({ length: 500 }, newPeerId), records: [forged, foreign] } : null,
  );
  lying = true;
  const before = asked();
  const found = await peers.get(ids[0]!)!.find('model', 'some-model', 1, never);
  expect(found.records).toEqual([]);
  expect(found.hops).toBeNull();
  expect(asked() - before).toBeLessThanOrEqual(4 * 48);
});

it('a search that is not wanted any more ends with the reason', async () => {
  const { peers, ids } = await mesh(5);
  await expect(peers.get(ids[0]!)!.find('model', 'x', 1, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
    'enough',
  );
});
