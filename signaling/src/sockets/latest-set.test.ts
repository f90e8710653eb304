import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { LatestSet } from './latest-set.ts';

test('whoever comes, comes again and goes, it knows who came last', () => {
  const step = fc.record({ add: fc.boolean(), key: fc.constantFrom('a', 'b', 'c', 'd', 'e') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const set = new LatestSet();
      let expected: string[] = [];
      for (const { add, key } of steps) {
        expected = expected.filter((each) => each !== key);
        if (add) {
          set.add(key);
          expected.push(key);
        } else set.delete(key);
        expect(set.size).toBe(expected.length);
        expect(set.latest).toBe(expected.at(-1) ?? null);
      }
    }),
  );
});
