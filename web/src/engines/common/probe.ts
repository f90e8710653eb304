/** What this browser can really do, found by asking for a device: `navigator.gpu` alone proves nothing. */
import type { Barrier, Probe } from '@llmesh/core/policy/catalogue';
import { runsWasm } from './wasm.ts';

const F16: GPUFeatureName = 'shader-f16';
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|software|warp|basic render/i;
/** The share of the reported memory that a model may take; the rest is for the system and the page. */
const SHARE_FOR_MODELS = 0.75;
const MAX_THREADS = 4;

export async function probeBrowser(): Promise<Probe> {
  const memoryBytes = roomForModels();
  const barrier = await highestBarrier();
  const probe = (await probeWebGpu(memoryBytes)) ?? {
    backend: 'wasm',
    device: threads() === 1 ? '1 CPU thread' : `${threads()} CPU threads`,
    software: false,
    f16: false,
    memoryBytes,
    maxBufferBytes: null,
  };
  return barrier === null ? probe : { ...probe, barrier };
}

async function highestBarrier(): Promise<Barrier | null> {
  if (!(await runsWasm())) return 'wasm';
  if (!globalThis.isSecureContext) return 'https';
  return globalThis.crossOriginIsolated ? null : 'isolation';
}

/** Threads that llama.cpp gets: one core stays with the page, and without isolation there is only one. */
export function threads(): number {
  if (!globalThis.crossOriginIsolated) return 1;
  return Math.min(Math.max(navigator.hardwareConcurrency - 1, 1), MAX_THREADS);
}

async function probeWebGpu(memoryBytes: number | null): Promise<Probe | null> {
  const adapter = await requestAdapter();
  if (adapter === null) return null;
  const f16 = adapter.features.has(F16);
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice(f16 ? { requiredFeatures: [F16] } : {});
  } catch {
    // An adapter without a device cannot run anything.
    return null;
  }
  const described = describe(adapter.info);
  const software = adapter.info.isFallbackAdapter || SOFTWARE.test(described);
  device.destroy();
  return {
    backend: 'webgpu',
    device: software ? `${SOFTWARE.test(described) ? described : 'Emulated graphics'} (software)` : described,
    software,
    f16,
    memoryBytes,
    maxBufferBytes: adapter.limits.maxBufferSize,
  };
}

async function requestAdapter(): Promise<GPUAdapter | null> {
  if (navigator.gpu === undefined) return null;
  try {
    return await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch {
    // Firefox rejects where the API exists but the platform does not support it.
    return null;
  }
}

/** Browsers tell more or less: "Radeon 780M", "amd rdna-3", "google swiftshader". */
function describe(info: GPUAdapterInfo): string {
  if (/swiftshader/i.test(`${info.description} ${info.architecture} ${info.device}`)) return 'SwiftShader';
  if (info.description !== '') return info.description;
  const parts = [info.vendor, info.architecture].filter((part) => part !== '');
  return parts.length === 0 ? 'Graphics card' : parts.join(' ');
}

/** Chromium only, and rounded; other browsers do not say. */
function roomForModels(): number | null {
  const { deviceMemory } = navigator as Navigator & { deviceMemory?: number };
  return deviceMemory === undefined ? null : Math.round(deviceMemory * 2 ** 30 * SHARE_FOR_MODELS);
}
