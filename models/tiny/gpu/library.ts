// The tiny model on WebGPU, as a library for web-llm 0.2.86: what TVM's JavaScript calls by name. It was written against that JavaScript.
import { call, define, functionOfPage, getGlobal, setGlobal } from './functions';
import { defineModel, find, system } from './modules';
import {
  ANY, ARRAY, MODULE, drop, getError, give, keep, own, permanent, setError, lengthOfText, textAt,
} from './objects';
import { defineRuntime } from './runtime';

/** The type of everything that web-llm only passes on. */
const OTHER = 300;

defineRuntime();
defineModel();
define('ffi.ModuleGetFunction', find);
define('ffi.SystemLib', (self, args, n, result) => give(result, keep(system)));

const typeInfo = memory.data(16);
store<u32>(typeInfo, <u32>permanent('ffi.Array'), 8);
store<u32>(typeInfo, 9, 12);

export function TVMWasmAllocSpace(bytes: usize): usize {
  return heap.alloc(bytes < 8 ? 8 : bytes);
}

export function TVMWasmFreeSpace(at: usize): void {
  if (at) heap.free(at);
}

export function TVMFFIObjectIncRef(object: usize): i32 {
  keep(object);
  return 0;
}

export function TVMFFIObjectDecRef(object: usize): i32 {
  drop(object);
  return 0;
}

export function TVMFFIAnyViewToOwnedAny(view: usize, out: usize): i32 {
  return own(view, out);
}

export function TVMFFIWasmGetLastError(): usize {
  return getError();
}

export function TVMFFIErrorSetRaisedFromCStr(kind: usize, message: usize): void {
  const length = lengthOfText(message), text = heap.alloc(length + 1);
  memory.copy(text, message, length + 1);
  setError(text);
}

export function TVMFFIWasmFunctionCreate(index: i32, out: usize): i32 {
  store<u32>(out, <u32>functionOfPage(index));
  return 0;
}

export function TVMFFIFunctionCall(object: usize, args: usize, count: i32, result: usize): i32 {
  return call(object, args, count, result);
}

export function TVMFFIFunctionSetGlobal(name: usize, object: usize, replaces: i32): i32 {
  setGlobal(textAt(name), keep(object));
  return 0;
}

export function TVMFFIFunctionGetGlobal(name: usize, out: usize): i32 {
  const found = getGlobal(textAt(name));
  store<u32>(out, found == 0 ? 0 : <u32>keep(found));
  return 0;
}

export function TVMFFITypeKeyToIndex(key: usize, out: usize): i32 {
  const name = textAt(key);
  store<i32>(out, name == 'ffi.Array' ? ARRAY : name == 'ffi.Module' ? MODULE : OTHER);
  return 0;
}

export function TVMFFIGetTypeInfo(index: i32): usize {
  return typeInfo;
}
