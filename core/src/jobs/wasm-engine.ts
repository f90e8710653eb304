/** WebAssembly, as browsers and Node both have it, though the types of neither can be used in the other. */
export interface WasmCode {
  readonly [isCode]: true;
}
declare const isCode: unique symbol;

export interface WasmGlobal {
  value: bigint | number;
}

export interface WasmInstance {
  /** Those of a metered module: see `metered.ts`. */
  readonly exports: {
    memory: { readonly buffer: ArrayBuffer };
    _start: () => void;
    gas: WasmGlobal;
    frames: WasmGlobal;
  };
}

interface WasmEngine {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<WasmCode>;
  Instance: new (code: WasmCode, imports: Record<string, Record<string, unknown>>) => WasmInstance;
  RuntimeError: new () => Error;
}

export const wasmEngine: WasmEngine = (globalThis as unknown as { WebAssembly: WasmEngine }).WebAssembly;
