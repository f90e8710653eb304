/** A LoRA adapter on disk, and which of them a model is lent with. */
export interface AdapterFile {
  sha256: string;
  /** For a person. */
  name: string;
  path: string;
  sizeBytes: number;
  /** Of the file when it was hashed: see `fileVersion`. */
  version: string | null;
}

/** Of an adapter that is fetched when it is asked for. Those of models with 8B parameters have some 50 to 200 MB. */
export const MAX_FETCHED_BYTES = 256 << 20;

/** What a model is lent with. */
export interface LentAdapters {
  /** Checked to be for this model. */
  files: readonly AdapterFile[];
  /** So many in memory at once. Default: DEFAULT_ADAPTER_CAP. */
  cap?: number;
  /** Gets one that is not among them, checked as well. Left out: there are no others. Throws unsupported or cancelled. */
  fetch?: (sha256: string, signal: AbortSignal) => Promise<AdapterFile>;
}
