import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { newPeerId, type ModelId } from '@llmesh/core/ids';
import { ModelIndex } from './model-index.ts';
import type { RegisteredPeer } from './registry.ts';

test('holds exactly what was added and not removed, whatever the order and the chance', () => {
  const models = ['a', 'b'] as ModelId[];
  const peers = Array.from({ length: 6 }, (): RegisteredPeer => {
    return {
      peerId: newPeerId(),
      agent: 'native',
      sinceMs: 0,
      heardMs: 0,
      models: [],
      slots: 1,
      busySlots: 0,
      queued: 0,
      certificate: null,
    };
  });
  const step = fc.record({ add: fc.boolean(), model: fc.constantFrom(...models), peer: fc.constantFrom(...peers) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (steps, chance) => {
      const index = new ModelIndex();
      const expected = new Map(models.map((model) => [model, new Set<RegisteredPeer>()]));
      for (const { add, model, peer } of steps) {
        if (add) index.add(model, peer);
        else index.remove(model, peer);
        if (add) expected.get(model)?.add(peer);
        else expected.get(model)?.delete(peer);
      }
      for (const [model, members] of expected) {
        const found = [...index.providers(model, () => chance)];
        expect(found.length).toBe(members.size);
        expect(new Set(found)).toEqual(members);
      }
    }),
  );
});
