import { expect, it } from 'vitest';
import { splitParts, withoutPart } from './split-files.ts';

it('a file that is the one part of itself is a file like any other', () => {
  expect(splitParts('m-00001-of-00001.gguf')).toEqual(['m-00001-of-00001.gguf']);
  expect(withoutPart('m-00001-of-00001.gguf')).toBe('m');
  expect(splitParts('m-00002-of-00002.gguf')).toEqual(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf']);
});
