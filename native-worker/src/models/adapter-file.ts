/** A LoRA adapter on disk, and which of them a model is lent with. */
export interface AdapterFile {
  sha256: string;
  /** A name for people. */
  name: string;
  path: string;
  sizeBytes: number;
  /** The version of the file when it was hashed: see `fileVersion`. */
  version: string | null;
}

/** The largest adapter that is fetched when it is asked for. Those of models with 8B parameters take some 50 to 200 MB. */
export const MAX_FETCHED_BYTES = 256 << 20;

/** The adapters that a model is lent with. */
export interface LentAdapters {
  /** They have been checked to be for this model. */
  files: readonly AdapterFile[];
  /** How many are in memory at once. Default: DEFAULT_ADAPTER_CAP. */
  cap?: number;
  /** Gets one that is not among them, and checks it, too. Left out: there are no others. Throws unsupported or cancelled. */
  fetch?: (sha256: string, signal: AbortSignal) => Promise<AdapterFile>;
}
