// Buffers on the graphics card, through what web-llm offers of WebGPU.
import { argument, askFor, callWithArguments } from './functions';

export const CPU = 1, WEBGPU = 15;
const API = 'wasm.WebGPUDeviceAPI';

let allocating: usize = 0, freeing: usize = 0, writing: usize = 0, reading: usize = 0, moving: usize = 0;

export function allocate(bytes: i64): u32 {
  if (allocating == 0) allocating = askFor(API, 'deviceAllocDataSpace');
  argument(0, bytes);
  return <u32>callWithArguments(allocating, 1);
}

export function free(buffer: u32): void {
  if (buffer == 0) return;
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
