/** The memory of this computer that a model may take. */
import os from 'node:os';
import type { Llama } from 'node-llama-cpp';
import type { Machine } from './fit.ts';

/** A small computer keeps a part of its memory free, a large one no more than this. */
const MAX_RESERVE_BYTES = 1_073_741_824;
const RESERVE_SHARE = 1 / 16;

/** `free`: the memory that is free now. `total`: with nothing else running. */
export async function readMachine(llama: Llama, which: 'free' | 'total'): Promise<Machine> {
  const total = totalRamBytes();
  const ram = which === 'total' ? total : await freeRam(llama);
  const ramBytes = Math.max(0, ram - ramReserve(total));
  if (llama.gpu === false) return { ramBytes, vramBytes: 0, unified: false };
  const vram = await llama.getVramState();
  // The library keeps this much free itself, and would refuse a plan that counts on it.
  const vramBytes = Math.max(0, vram[which] - llama.vramPaddingSize);
  return { ramBytes, vramBytes, unified: vram.unifiedSize > 0 };
}

/** The memory of the computer, or what its container may use. */
export function totalRamBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}

/** The memory that is left to other programs. */
export function ramReserve(totalBytes: number): number {
  return Math.min(MAX_RESERVE_BYTES, totalBytes * RESERVE_SHARE);
}

/** macOS keeps hardly any memory free, and gives back what is not wired down as soon as somebody asks. */
async function freeRam(llama: Llama): Promise<number> {
  if (process.platform !== 'darwin') return process.availableMemory();
  const { total, wired } = await llama.getRamState();
  return total - wired;
}
