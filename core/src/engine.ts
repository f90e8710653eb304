/**
 * The port every inference engine stands behind: web-llm and wllama in the browser, node-llama-cpp on the desktop.
 * The acceptance suite is `suites/engine.ts`.
 */
import type { Backend, Sampling, Turn } from './protocol.ts';

export interface Probe {
  /** What would really run, found by asking for a device and not from the mere presence of an API. */
  backend: Backend;
  /** For a person: "Radeon 780M", "SwiftShader (software)", "2 CPU threads". */
  device: string;
  /** A GPU that is emulated on the CPU: works, slowly. */
  software: boolean;
  /** shader-f16 or better. */
  f16: boolean;
  /** Room for weights and context; null where the host does not say. */
  memoryBytes: number | null;
  /** Largest single buffer of the device; null where there is no such limit. */
  maxBufferBytes: number | null;
}

export type LoadPhase = 'download' | 'start';
export interface LoadProgress {
  phase: LoadPhase;
  loadedBytes: number;
  /** null until known */
  totalBytes: number | null;
}

/** What is known of a model once it is loaded. */
export interface LoadedModel {
  contextTokens: number;
  backend: Backend;
  /** Answers that the engine writes at once. */
  slots: number;
}

export interface GenerateRequest {
  turns: Turn[];
  sampling: Sampling;
  maxTokens: number;
}

export interface Piece {
  /** Never empty, never half a character. */
  text: string;
  /** The tokens behind `text`, where the engine can tell. */
  tokenIds?: number[];
  /** Tokens in this piece: `tokenIds.length` where there are ids. */
  tokens: number;
}

export interface Finish {
  finish: 'stop' | 'length';
  promptTokens: number;
  completionTokens: number;
}

/** `M` is how the engine is told where its model is: a file, a catalogue entry. */
export interface Engine<M> {
  probe(signal: AbortSignal): Promise<Probe>;
  /**
   * Rejects with a `MeshError`: model_not_found, model_unreadable, model_download_failed, model_integrity,
   * model_wrong_library, out_of_memory, storage_full, webgpu_absent, or cancelled.
   */
  load(model: M, onProgress: (progress: LoadProgress) => void, signal: AbortSignal): Promise<LoadedModel>;
  /**
   * Writes an answer; returns how it ended. After an abort it throws `cancelled` and has stopped computing. Throws
   * prompt_too_long when the turns leave no room for an answer, engine_failed or device_lost otherwise.
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined>;
  /** Called at most once, when the engine died by itself and must be loaded anew. */
  onLost: ((error: Error) => void) | null;
  close(): Promise<void>;
}
