// Tensors of 32-bit numbers. Behind the object's header stands DLPack's DLTensor: data at 24, device at 28, dimensions at 36,
// type at 40, address of the shape at 44, offset in bytes at 56. At 68 what it is a view of, or 0; from 72 on its shape.
import { CPU, WEBGPU, allocate, copy, free } from './device';
import { TENSOR, drop, keep, make } from './objects';

export const SIGNED: u8 = 0, UNSIGNED: u8 = 1, FLOATING: u8 = 2;
const BYTES = 4;

export function tensor(shape: usize, dimensions: u32, code: u8, device: i32): usize {
  const object = header(shape, dimensions, code, device);
  const bytes = count(object) * BYTES;
  store<u32>(object, device == WEBGPU ? allocate(bytes) : <u32>heap.alloc(<usize>bytes), 24);
  return object;
}

/** The same numbers in another shape. */
export function view(base: usize, shape: usize, dimensions: u32): usize {
  const object = header(shape, dimensions, load<u8>(base, 40), load<i32>(base, 28));
  store<u32>(object, <u32>keep(base), 68);
  store<u32>(object, data(base), 24);
  store<u64>(object, load<u64>(base, 56), 56);
  return object;
}

function header(shape: usize, dimensions: u32, code: u8, device: i32): usize {
  const object = make(TENSOR, 48 + 8 * dimensions);
  store<i32>(object, device, 28);
  store<i32>(object, dimensions, 36);
  store<u8>(object, code, 40);
  store<u8>(object, 32, 41);
  store<u16>(object, 1, 42);
  store<u32>(object, <u32>(object + 72), 44);
  memory.copy(object + 72, shape, 8 * dimensions);
  return object;
}

export function freeTensor(object: usize): void {
  const base = load<u32>(object, 68);
  if (base) drop(base);
  else if (load<i32>(object, 28) == WEBGPU) free(data(object));
  else heap.free(data(object));
}

export function data(object: usize): u32 {
  return load<u32>(object, 24);
}

export function count(object: usize): i64 {
  let numbers: i64 = 1;
  for (let i = 0, n = load<i32>(object, 36); i < n; i++) numbers *= load<i64>(object + 72 + i * 8);
  return numbers;
}

/** `type`: the address of "float32", "uint32" or "int32". Nothing may be allocated here, since nothing is collected. */
export function codeOf(type: usize): u8 {
  const first = load<u8>(type);
  return first == 0x66 ? FLOATING : first == 0x75 ? UNSIGNED : SIGNED;
}

export function copyTensor(from: usize, to: usize): i32 {
  const bytes = count(from) * BYTES;
  return copy(data(from), load<i32>(from, 28), load<i64>(from, 56), data(to), load<i32>(to, 28), load<i64>(to, 56), bytes);
}

export function writeTensor(to: usize, from: u32, bytes: i64): i32 {
  return copy(from, CPU, 0, data(to), load<i32>(to, 28), load<i64>(to, 56), bytes);
}

/** The same numbers, one in a row. */
export function column(base: usize): usize {
  store<i64>(sizes, count(base));
  store<i64>(sizes, 1, 8);
  return view(base, sizes, 2);
}

const sizes = memory.data(24);

/** A tensor on the graphics card. Sizes of 0 at the end are no dimensions. */
export function onCard(code: u8, first: i64, second: i64 = 0, third: i64 = 0): usize {
  store<i64>(sizes, first);
  store<i64>(sizes, second, 8);
  store<i64>(sizes, third, 16);
  return tensor(sizes, third ? 3 : second ? 2 : 1, code, WEBGPU);
}
