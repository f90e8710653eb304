/** llama.cpp on this machine: which build of it runs, and on which device. */
import os from 'node:os';
import { getLlama, LlamaLogLevel, NoBinaryFoundError, type Llama } from 'node-llama-cpp';
import { MeshError } from '@llmesh/core/base/errors';
import type { Backend } from '@llmesh/core/wire/model-advert';
import { cpuQuota } from '../../sensors/cpu-quota.ts';
import type { Probe } from '@llmesh/core/policy/catalogue';

export const GPU_CHOICES = ['auto', 'off', 'cuda', 'metal', 'vulkan'] as const;
export type GpuChoice = (typeof GPU_CHOICES)[number];

/** Names by which drivers give away that a "graphics card" is really this processor. */
const SOFTWARE_DEVICE = /llvmpipe|swiftshader|softpipe|lavapipe/i;

/**
 * One core stays free for everything else: spinning threads that share a core make llama.cpp a hundred times slower,
 * not a little.
 */
export function defaultThreads(cores = os.availableParallelism(), quota = cpuQuota()): number {
  // A quota is ours alone: no core of it is left to others.
  return Math.max(1, Math.min(cores - 1, Math.floor(quota)));
}

/** Never compiles anything. Throws engine_failed when the asked-for device is not there. */
export async function openLlama(gpu: GpuChoice, threads: number): Promise<Llama> {
  const llama = await start(gpu, threads);
  if (llama.gpu === false || (await llama.getGpuDeviceNames()).length > 0) return llama;
  // A Vulkan loader without a device answers too.
  await llama.dispose();
  if (gpu !== 'auto') throw noDevice(gpu);
  return start('off', threads);
}

export async function probeLlama(llama: Llama, threads: number): Promise<Probe> {
  const backend = backendOf(llama);
  if (backend === 'cpu') {
    return {
      backend,
      device: threads === 1 ? '1 CPU thread' : `${threads} CPU threads`,
      software: false,
      f16: true,
      memoryBytes: process.availableMemory(),
      maxBufferBytes: null,
    };
  }
  const names = await llama.getGpuDeviceNames();
  const device = names.join(', ');
  const { free } = await llama.getVramState();
  return {
    backend,
    device,
    software: SOFTWARE_DEVICE.test(device),
    f16: true,
    memoryBytes: free,
    maxBufferBytes: null,
  };
}

export function backendOf(llama: Llama): Backend {
  return llama.gpu === false ? 'cpu' : llama.gpu;
}

async function start(gpu: GpuChoice, threads: number): Promise<Llama> {
  try {
    return await getLlama({
      gpu: gpu === 'off' ? false : gpu,
      build: 'never',
      maxThreads: threads,
      logLevel: LlamaLogLevel.error,
      // What llama.cpp prints about a failure is in the thrown error already; printed, it would only break our output.
      logger: () => {},
    });
  } catch (cause) {
    if (cause instanceof NoBinaryFoundError && gpu !== 'auto' && gpu !== 'off') throw noDevice(gpu, cause);
    throw new MeshError(
      'engine_failed',
      `llama.cpp does not start on this machine (${process.platform}, ${process.arch}). Reinstall the dependencies with "npm ci".`,
      { cause },
    );
  }
}

function noDevice(gpu: GpuChoice, cause?: unknown): MeshError {
  return new MeshError(
    'engine_failed',
    `There is no ${gpu} device here. Use --gpu auto, or --gpu off for the processor.`,
    {
      cause,
    },
  );
}
