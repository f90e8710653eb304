import { expect, it } from 'vitest';
import { readVector, unitVector, vectorBytes } from './vector.ts';

it('a vector is its numbers in four bytes each, the lowest first, wherever it lies in a message', () => {
  const vector = Float32Array.of(1, -0.5, 3e-20);
  const bytes = vectorBytes(vector);
  expect([...bytes.slice(0, 8)]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xbf]);
  const message = new Uint8Array(bytes.length + 1);
  message.set(bytes, 1);
  expect(readVector(message.subarray(1), 3)).toEqual(vector);
});

it('what is not the numbers of a vector is none', () => {
  const bytes = vectorBytes(Float32Array.of(1, 2));
  for (const size of [0, 1, 3]) expect(readVector(bytes, size)).toBeNull();
  expect(readVector(bytes.subarray(1), 2)).toBeNull();
  for (const number of [NaN, Infinity]) expect(readVector(vectorBytes(Float32Array.of(1, number)), 2)).toBeNull();
});

it('of length one it has the same direction', () => {
  expect(unitVector([3, 4])).toEqual(Float32Array.of(0.6, 0.8));
  expect(unitVector([0, 0])).toEqual(Float32Array.of(0, 0));
});
