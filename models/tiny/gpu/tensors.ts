// Tensors of 32-bit numbers. Behind the object's header stands DLPack's DLTensor: data at 24, device at 28, dimensions at 36,
// type at 40, address of the shape at 44, offset in bytes at 56. At 68 what it is a view of, or 0; from 72 on its shape, and then its copy on the card.
//
// A tensor of one number is here, wherever web-llm wants it: most are what it says for one token, and go into the kernels as parameters. Each write to
// the graphics card would send off what was recorded for it so far, and that costs more than the kernels.
import { CPU, WEBGPU, allocate, copy, free } from './device';
import { TENSOR, drop, keep, make } from './objects';

export const SIGNED: u8 = 0, UNSIGNED: u8 = 1, FLOATING: u8 = 2;
const BYTES = 4;

export function tensor(shape: usize, dimensions: u32, code: u8, device: i32): usize {
  const object = header(shape, dimensions, code, device), bytes = bytesOf(object);
  if (bytes == BYTES) store<i32>(object, CPU, 28);
  const here = load<i32>(object, 28) == CPU;
  store<u32>(object, here ? <u32>heap.alloc(<usize>bytes) : allocate(bytes), 24);
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
  const object = make(TENSOR, 52 + 8 * dimensions);
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
  else if (load<i32>(object, 28) == WEBGPU) free(data(object), bytesOf(object));
  else {
    heap.free(data(object));
    forget(object);
  }
}

export function data(object: usize): u32 {
  return load<u32>(object, 24);
}

/** Where a kernel reads its numbers. */
export function buffer(object: usize): u32 {
  if (load<i32>(object, 28) == WEBGPU) return data(object);
  const made = target(object);
  copy(data(object), CPU, load<i64>(object, 56), made, WEBGPU, 0, bytesOf(object));
  return made;
}

/** Where a kernel writes its number. */
export function target(object: usize): u32 {
  const at = copyAt(object), made = load<u32>(at);
  if (made) return made;
  store<u32>(at, allocate(bytesOf(object)));
  return load<u32>(at);
}

function copyAt(object: usize): usize {
  const base = load<u32>(object, 68);
  return base ? copyAt(base) : object + 72 + 8 * load<i32>(object, 36);
}

function forget(object: usize): void {
  free(load<u32>(copyAt(object)), bytesOf(object));
  store<u32>(copyAt(object), 0);
}

/** The number of a tensor of one. */
export function wholeIn(object: usize): i32 {
  return load<i32>(data(object));
}

export function fractionIn(object: usize): f32 {
  return load<f32>(data(object));
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
  const onCard = load<u32>(copyAt(from));
  if (onCard) return copy(onCard, WEBGPU, 0, data(to), load<i32>(to, 28), load<i64>(to, 56), bytesOf(from));
  return copy(data(from), load<i32>(from, 28), load<i64>(from, 56), data(to), load<i32>(to, 28), load<i64>(to, 56), bytesOf(from));
}

export function writeTensor(to: usize, from: u32, bytes: i64): i32 {
  forget(to);
  return copy(from, CPU, 0, data(to), load<i32>(to, 28), load<i64>(to, 56), bytes);
}

function bytesOf(object: usize): i64 {
  return count(object) * BYTES;
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
