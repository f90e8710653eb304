// The globals that browsers and Node share. The log uses these and nothing else of its host; `tsconfig.pure.json` checks that.
declare class AbortSignal {
  readonly aborted: boolean;
  throwIfAborted(): void;
}
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes?: Uint8Array): string;
}
declare function atob(text: string): string;
declare function btoa(text: string): string;
