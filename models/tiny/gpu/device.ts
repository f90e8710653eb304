// Buffers on the graphics card, through what web-llm offers of WebGPU.
import { argument, askFor, callWithArguments } from './functions';

export const CPU = 1, WEBGPU = 15;
const API = 'wasm.WebGPUDeviceAPI';
/** Those of the weights and of the cache are not asked for again. */
const MOST_POOLED = 1 << 16;

let allocating: usize = 0, freeing: usize = 0, writing: usize = 0, reading: usize = 0, moving: usize = 0;

/** Released buffers, by their bytes: each token wants the same ones, and browsers take long to make them. */
const POOLED = 4;
const pooledBytes = new StaticArray<i64>(POOLED), pooled = new StaticArray<u32>(POOLED);

/** What is in it is left over of others. */
export function allocate(bytes: i64): u32 {
  for (let i = 0; i < POOLED; i++) {
    if (pooled[i] == 0 || pooledBytes[i] != bytes) continue;
    const buffer = pooled[i];
    pooled[i] = 0;
    return buffer;
  }
  if (allocating == 0) allocating = askFor(API, 'deviceAllocDataSpace');
  argument(0, bytes);
  return <u32>callWithArguments(allocating, 1);
}

export function free(buffer: u32, bytes: i64): void {
  if (buffer == 0) return;
  for (let i = 0; i < POOLED && bytes <= MOST_POOLED; i++) {
    if (pooled[i] != 0) continue;
    pooledBytes[i] = bytes;
    pooled[i] = buffer;
    return;
  }
  if (freeing == 0) freeing = askFor(API, 'deviceFreeDataSpace');
  argument(0, buffer);
  callWithArguments(freeing, 1);
}

/** `from` and `to` are buffers on the graphics card and addresses here. Returns whether it failed. */
export function copy(from: u32, fromDevice: i32, fromOffset: i64, to: u32, toDevice: i32, toOffset: i64, bytes: i64): i32 {
  if (fromDevice == CPU && toDevice == CPU) {
    memory.copy(to + <usize>toOffset, from + <usize>fromOffset, <usize>bytes);
    return 0;
  }
  if (toDevice == CPU) {
    if (reading == 0) reading = askFor(API, 'deviceCopyFromGPU');
    argument(0, from);
    argument(1, fromOffset);
    argument(2, to + toOffset);
    argument(3, bytes);
    return callWithArguments(reading, 4) < 0;
  }
  if (fromDevice == CPU) {
    if (writing == 0) writing = askFor(API, 'deviceCopyToGPU');
    argument(0, from + fromOffset);
    argument(1, to);
    argument(2, toOffset);
    argument(3, bytes);
    return callWithArguments(writing, 4) < 0;
  }
  if (moving == 0) moving = askFor(API, 'deviceCopyWithinGPU');
  argument(0, from);
  argument(1, fromOffset);
  argument(2, to);
  argument(3, toOffset);
  argument(4, bytes);
  return callWithArguments(moving, 5) < 0;
}
