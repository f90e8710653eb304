import { offerKeyOf } from '@llmesh/core/policy/offer-key';
import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { OfferIndex, type Offered } from './offer-index.ts';
import { Registry } from './registry.ts';
import { type RegisteredPeer, AVAILABILITIES, type Availability } from './registered-peer.ts';

test('holds exactly what was put and not removed, where it was put last, whatever the order and the chance', () => {
  // Files of one name are offers of their own, and so is one that embeds.
  const models: Offered[] = [
    { id: 'a' as ModelId, sha256: null },
    { id: 'b' as ModelId, sha256: 'ab'.repeat(32) },
    { id: 'a' as ModelId, sha256: 'ab'.repeat(32) },
    { id: 'a' as ModelId, sha256: 'ab'.repeat(32), task: 'embedding', embeds: 384 },
  ];
  const registry = new Registry(new ManualClock());
  const peers = Array.from({ length: 6 }, () => registry.join(newPeerId(), 'native'));
  const step = fc.record({
    availability: fc.constantFrom<Availability | null>(...AVAILABILITIES, null),
    model: fc.constantFrom(...models),
    peer: fc.constantFrom(...peers),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (steps, chance) => {
      const index = new OfferIndex();
      const expected = new Map(models.map((model) => [model, new Map<RegisteredPeer, Availability>()]));
      for (const { availability, model, peer } of steps) {
        if (availability === null) index.remove(model, peer);
        else index.put(model, peer, availability);
        if (availability === null) expected.get(model)?.delete(peer);
        else expected.get(model)?.set(peer, availability);
      }
      for (const [model, members] of expected) {
        for (const availability of AVAILABILITIES) {
          const found: RegisteredPeer[] = [];
          index.group(model)?.bags[availability].walk(
            () => chance,
            (peer) => {
              found.push(peer);
              return false;
            },
          );
          const wanted = [...members].filter(([, where]) => where === availability).map(([peer]) => peer);
          expect(found.length).toBe(wanted.length);
          expect(new Set(found)).toEqual(new Set(wanted));
        }
        expect(index.group(model) !== null).toBe(members.size > 0);
      }
      const offered = [...expected].filter(([, members]) => members.size > 0).map(([model]) => model);
      expect(
        models.every(
          (one) => index.has(offerKeyOf(one)) === offered.some((model) => offerKeyOf(model) === offerKeyOf(one)),
        ),
      ).toBe(true);
    }),
  );
});
