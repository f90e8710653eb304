// The keys and values of the one sequence that web-llm keeps, and how many tokens it has.
import { allocate, free } from './device';
import { CACHE, fail, make, shapeItem } from './objects';
import { CACHE_NUMBERS } from './layout';
import { CONTEXT } from './shape';

export function makeCache(room: i64): usize {
  if (room > CONTEXT) return 0;
  const cache = make(CACHE, 12);
  store<u32>(cache, allocate(CACHE_NUMBERS * 4), 24);
  return cache;
}

export function freeCache(cache: usize): void {
  free(numbers(cache));
}

export function numbers(cache: usize): u32 {
  return load<u32>(cache, 24);
}

/** How many tokens it holds. */
export function held(cache: usize): i32 {
  return load<i32>(cache, 28);
}

export function clear(cache: usize): void {
  store<i64>(cache, 0, 28);
}

/** `lengths`: a shape with the number of tokens that come now. */
export function begin(cache: usize, lengths: usize): i32 {
  const coming = <i32>shapeItem(lengths, 0);
  if (held(cache) + coming > CONTEXT) return fail('The context is full.');
  store<i32>(cache, coming, 32);
  return 0;
}

export function end(cache: usize): void {
  store<i32>(cache, held(cache) + load<i32>(cache, 32), 28);
  store<i32>(cache, 0, 32);
}
