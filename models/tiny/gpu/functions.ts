// Functions that the page calls in here, and those of the page that are called from here.
import { ANY, Call, FUNCTION, INT, NONE, TEXT, drop, integer, keep, kind, make, permanent, pointer, put } from './objects';

@external("env", "TVMFFIWasmSafeCall") declare function callInPage(index: i32, args: usize, count: i32, result: usize): i32;

const MOST_ARGUMENTS: usize = 16;

/** `bound`: what it belongs to, or 0. It is kept as long as the function. */
export function functionOf(call: Call, bound: usize = 0): usize {
  const object = make(FUNCTION, 12);
  store<u32>(object, <u32>changetype<usize>(call), 28);
  if (bound) store<u32>(object, <u32>keep(bound), 32);
  return object;
}

export function functionOfPage(index: i32): usize {
  const object = make(FUNCTION, 12);
  store<i32>(object, 1, 24);
  store<i32>(object, index, 28);
  return object;
}

export function call(object: usize, args: usize, count: i32, result: usize): i32 {
  if (load<i32>(object, 24)) return callInPage(load<i32>(object, 28), args, count, result);
  return changetype<Call>(<usize>load<u32>(object, 28))(load<u32>(object, 32), args, count, result);
}

// ---- functions by name
const globals = new Map<string, usize>();

export function setGlobal(name: string, object: usize): void {
  if (globals.has(name)) drop(globals.get(name));
  globals.set(name, object);
}

/** 0: there is none. */
export function getGlobal(name: string): usize {
  return globals.has(name) ? globals.get(name) : 0;
}

export function define(name: string, call: Call): void {
  setGlobal(name, functionOf(call));
}

// ---- calls with whole numbers
const values = heap.alloc(ANY * (MOST_ARGUMENTS + 1));

export function argument(index: i32, number: i64): void {
  put(values + index * ANY, INT, number);
}

/** Calls with the first `count` arguments that were set. -1: it failed. */
export function callWithArguments(object: usize, count: i32): i64 {
  const result = values + MOST_ARGUMENTS * ANY;
  put(result, NONE, 0);
  if (call(object, values, count, result)) return -1;
  return kind(result) == NONE ? 0 : integer(result);
}

/** A function that a function of the page hands out for a name. */
export function askFor(giver: string, name: string): usize {
  const from = getGlobal(giver);
  if (from == 0) return 0;
  const args = heap.alloc(ANY * 2), text = permanent(name);
  put(args, TEXT, <i64>text);
  put(args + ANY, NONE, 0);
  const failed = call(from, args, 1, args + ANY);
  const found = failed ? 0 : pointer(args + ANY);
  heap.free(args);
  heap.free(text);
  return found;
}
