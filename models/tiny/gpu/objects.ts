// Objects and values as TVM's foreign function interface lays them out, as far as web-llm's JavaScript looks at them.
// An object begins with its count of references (8 bytes), its type (4 bytes at 8) and what belongs to the type from 24 on.
// A value ("any") is its type (4 bytes), 4 bytes of nothing, and a number or a pointer (8 bytes).
import { freeTensor } from './tensors';
import { freeCache } from './cache';

@external("env", "TVMFFIWasmFunctionDeleter") declare function forgetInPage(index: i32): void;

export const NONE = 0, INT = 1, FLOAT = 3, TEXT = 8, BYTES_AT = 9;
export const OBJECT = 64, STRING = 65, BYTES = 66, FUNCTION = 68, SHAPE = 69, TENSOR = 70, ARRAY = 71, MODULE = 73, CACHE = 200;
export const HEADER: usize = 24, ANY: usize = 16;

/** A function of this library or of the page: at 24 whether it is the page's, at 28 its index or address, at 32 what it belongs to. */
export type Call = (self: usize, args: usize, count: i32, result: usize) => i32;

export function make(type: i32, bytes: usize): usize {
  const object = heap.alloc(HEADER + bytes);
  memory.fill(object, 0, HEADER + bytes);
  store<u64>(object, 1);
  store<i32>(object, type, 8);
  return object;
}

export function typeOf(object: usize): i32 {
  return load<i32>(object, 8);
}

export function keep(object: usize): usize {
  store<u64>(object, load<u64>(object) + 1);
  return object;
}

export function drop(object: usize): void {
  if (object == 0) return;
  const references = load<u64>(object) - 1;
  store<u64>(object, references);
  if (references != 0) return;
  const type = typeOf(object);
  if (type == FUNCTION) {
    if (load<i32>(object, 24)) forgetInPage(load<i32>(object, 28));
    else drop(load<u32>(object, 32));
  } else if (type == TENSOR) freeTensor(object);
  else if (type == ARRAY) for (let i: u32 = 0, n = arrayLength(object); i < n; i++) dropValue(arrayItem(object, i));
  else if (type == MODULE) drop(load<u32>(object, 28));
  else if (type == CACHE) freeCache(object);
  heap.free(object);
}

// ---- values
export function kind(value: usize): i32 {
  return load<i32>(value);
}

export function pointer(value: usize): usize {
  return load<u32>(value, 8);
}

export function integer(value: usize): i64 {
  return kind(value) == FLOAT ? <i64>load<f64>(value, 8) : load<i64>(value, 8);
}

export function put(value: usize, type: i32, content: i64): void {
  store<i32>(value, type);
  store<i32>(value, 0, 4);
  store<i64>(value, content, 8);
}

/** Gives the caller's reference away. */
export function give(value: usize, object: usize): i32 {
  put(value, typeOf(object), <i64>object);
  return 0;
}

export function dropValue(value: usize): void {
  if (kind(value) >= OBJECT) drop(pointer(value));
}

/** Makes a value of the caller's stack one that outlives it. */
export function own(view: usize, out: usize): i32 {
  const type = kind(view), at = pointer(view);
  if (type == TEXT) return give(out, bytesOf(STRING, at, lengthOfText(at)));
  if (type == BYTES_AT) return give(out, bytesOf(BYTES, load<u32>(at), load<u32>(at, 4)));
  if (type >= OBJECT) keep(at);
  put(out, type, load<i64>(view, 8));
  return 0;
}

// ---- bytes and texts: at 24 their address, at 28 their length
export function bytesOf(type: i32, from: usize, length: usize): usize {
  const object = make(type, 8 + length + 1);
  store<u32>(object, <u32>(object + 32), 24);
  store<u32>(object, <u32>length, 28);
  memory.copy(object + 32, from, length);
  return object;
}

export function lengthOfText(at: usize): usize {
  let length: usize = 0;
  while (load<u8>(at + length)) length++;
  return length;
}

/** The text of a value that is a string object or a bare text. */
export function textOf(value: usize): string {
  const at = addressOfText(value);
  return String.UTF8.decodeUnsafe(at, kind(value) == STRING ? load<u32>(pointer(value), 28) : lengthOfText(at));
}

export function addressOfText(value: usize): usize {
  const at = pointer(value);
  return kind(value) == STRING ? load<u32>(at, 24) : at;
}

/** The text behind a pair of address and length. */
export function textAt(pair: usize): string {
  return String.UTF8.decodeUnsafe(load<u32>(pair), load<u32>(pair, 4));
}

export function giveText(value: usize, text: string): i32 {
  const bytes = String.UTF8.encode(text);
  return give(value, bytesOf(STRING, changetype<usize>(bytes), bytes.byteLength));
}

/** A text that stays, with a zero at its end. */
export function permanent(text: string): usize {
  const bytes = String.UTF8.encode(text, true);
  const at = heap.alloc(bytes.byteLength);
  memory.copy(at, changetype<usize>(bytes), bytes.byteLength);
  return at;
}

// ---- arrays: at 24 their length, from 32 on their values
export function array(length: u32): usize {
  const object = make(ARRAY, 8 + length * ANY);
  store<u32>(object, length, 24);
  return object;
}

export function arrayLength(object: usize): u32 {
  return load<u32>(object, 24);
}

export function arrayItem(object: usize, index: u32): usize {
  return object + 32 + index * ANY;
}

// ---- shapes: at 24 the address of their numbers, at 28 how many there are
export function shapeLength(shape: usize): u32 {
  return load<u32>(shape, 28);
}

export function shapeItem(shape: usize, index: u32): i64 {
  return load<i64>(<usize>load<u32>(shape, 24) + index * 8);
}

// ---- errors
let lastError: usize = 0;

export function fail(why: string): i32 {
  setError(permanent(why));
  return -1;
}

export function setError(text: usize): void {
  if (lastError) heap.free(lastError);
  lastError = text;
}

export function getError(): usize {
  return lastError;
}
