/** Turns what web-llm throws into errors a person understands. It exports few error classes, but names them all. */
import { MeshError } from '@llmesh/core/base/errors';
import { IntegrityError } from '@mlc-ai/web-llm';
import { downloadError, fileName } from '../common/download.ts';
import { outOfMemory } from '../common/engine-error.ts';

/** Browsers give a page that lost its graphics process twice no other device, until it is loaded again. */
export function webGpuGone(cause?: unknown): MeshError {
  return new MeshError(
    'webgpu_absent',
    'This page lost the graphics card too often, and the browser gives it no other. Reload the page.',
    { cause },
  );
}

export function webGpuAbsent(cause?: unknown): MeshError {
  return new MeshError(
    'webgpu_absent',
    'This model needs a graphics card that the browser can use (WebGPU), and this browser offers none. Choose a model that ' +
      'runs on the processor, or try a current Chrome, Edge or Safari.',
    { cause },
  );
}

export function halfPrecisionAbsent(cause?: unknown): MeshError {
  return new MeshError(
    'webgpu_absent',
    'This model needs a newer graphics card or driver: this one does not calculate with 16 bits. Choose a model for older ' +
      'cards; their names end in f32.',
    { cause },
  );
}

export function deviceLost(cause?: unknown): MeshError {
  return new MeshError(
    'device_lost',
    'The browser lost the graphics card: its driver restarted, or another program needed it. Start again.',
    { cause },
  );
}

export function promptTooLong(cause?: unknown): MeshError {
  return new MeshError(
    'prompt_too_long',
    'This conversation is longer than the model can hold. Start a new one, or ask a model with more context.',
    { cause },
  );
}

/** `url`: the model's folder, for failed downloads. */
export function loadError(cause: unknown, url: string): MeshError {
  if (cause instanceof MeshError) return cause;
  if (cause instanceof IntegrityError) {
    return new MeshError(
      'model_integrity',
      `${fileName(cause.url)} of this model does not match its checksum, so it was thrown away. Start again; if this ` +
        'comes back, choose another model or mirror.',
      { cause },
    );
  }
  if (cause instanceof WebAssembly.LinkError || cause instanceof WebAssembly.CompileError) return wrongLibrary(cause);
  if (cause instanceof RangeError) return outOfMemory(cause);
  switch (nameOf(cause)) {
    case 'WebGPUNotAvailableError':
    case 'WebGPUNotFoundError':
      return webGpuAbsent(cause);
    case 'ShaderF16SupportError':
      return halfPrecisionAbsent(cause);
    case 'FeatureSupportError':
      return webGpuAbsent(cause);
    // While loading, a lost device almost always means too little memory.
    case 'DeviceLostError':
    case 'GPUOutOfMemoryError':
    case 'OperationError':
      return outOfMemory(cause);
    case 'ModelNotFoundError':
      return new MeshError(
        'model_not_found',
        'web-llm does not know this model. The catalogue is newer than this page: reload it, or choose another model.',
        { cause },
      );
    case 'QuotaExceededError':
    case 'NetworkError':
      return downloadError(cause, url);
    // The files are here and whole, and there is a device: a function that is missing, or one that fails, is the library's.
    case 'Error':
    case 'TypeError':
    case 'RuntimeError':
      return wrongLibrary(cause);
    default:
      return engineFailed(cause);
  }
}

export function generateError(cause: unknown): MeshError {
  if (cause instanceof MeshError) return cause;
  switch (nameOf(cause)) {
    case 'ContextWindowSizeExceededError':
      return promptTooLong(cause);
    // A lost device makes web-llm unload itself.
    case 'ModelNotLoadedError':
    case 'DeviceLostError':
    case 'OperationError':
      return deviceLost(cause);
    case 'GPUOutOfMemoryError':
      return outOfMemory(cause);
    default:
      return engineFailed(cause);
  }
}

function nameOf(cause: unknown): string {
  return cause instanceof Error || cause instanceof DOMException ? cause.name : '';
}

function wrongLibrary(cause: unknown): MeshError {
  return new MeshError(
    'model_wrong_library',
    'The compiled library of this model was made for another version of web-llm. Choose another model, or ask the ' +
      'operator of the mirror to update it.',
    { cause },
  );
}

function engineFailed(cause: unknown): MeshError {
  return new MeshError('engine_failed', 'The model failed on this device. Try again, or choose another model.', {
    cause,
  });
}
