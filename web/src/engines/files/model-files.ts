/** Where the files of models lie on this device. Each is whole, begun, or not there. */
export interface ModelFiles {
  /** False: they are forgotten with the worker that fetched them. */
  readonly lasting: boolean;
  /** The whole file, or else the begun one; null: neither is here. */
  find(name: string): Promise<KeptFile | null>;
  /** Opens the begun file, or begins it. Rejects with `busy` while another tab writes it. */
  begin(name: string): Promise<BegunFile>;
  /** The begun file is whole from now on. */
  complete(name: string): Promise<void>;
  /** Removes the file, whole or begun. Idempotent. Rejects with `busy` while it is in use. */
  remove(name: string): Promise<void>;
}

export interface KeptFile {
  bytes: number;
  whole: boolean;
  /** When it was written last, in milliseconds since 1970. */
  writtenAt: number;
  open(): Promise<Blob>;
}

/** Written from its beginning to its end. The browser's own errors pass through, `QuotaExceededError` among them. */
export interface BegunFile {
  /** How much of it is here. */
  readonly bytes: number;
  append(chunk: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Forgets what is here. */
  restart(): Promise<void>;
  /** Keeps what was written. To be called once. */
  close(): Promise<void>;
  /** Closes without a promise that the last bytes are kept: for after a failure. Idempotent, never rejects. */
  abandon(): void;
}
