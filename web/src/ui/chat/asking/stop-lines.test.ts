import fc from 'fast-check';
import { expect, it } from 'vitest';
import { faultOf, linesOf, stopsOf } from './stop-lines.ts';

it('are one on each line, with written line breaks and tabs', () => {
  expect(stopsOf('END\n\n  \nUser:\nEND\n\\n\\n\n\\tx\na\\\\n')).toEqual(['END', 'User:', '\n\n', '\tx', 'a\\n']);
});

it('come back as they were written', () => {
  const stop = fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', '\\', 'n'), minLength: 1 });
  fc.assert(
    fc.property(fc.uniqueArray(stop.filter((text) => /[^ ]/.test(text))), (stops) => {
      expect(stopsOf(linesOf(stops))).toEqual(stops);
    }),
  );
});

it('are neither too many nor too long', () => {
  expect(faultOf(['x'.repeat(256)])).toBeNull();
  expect(faultOf(['x'.repeat(257)])).toContain('256');
  expect(faultOf(Array.from({ length: 17 }, String))).toContain('16');
});
