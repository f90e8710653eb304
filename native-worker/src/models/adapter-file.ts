/** A LoRA adapter on disk, and which of them a model is lent with. */
import type { AdapterBase } from '@llmesh/core/wire/model-advert';

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
  /** The largest that `fetch` gets. */
  mostBytes?: number;
  /** The address that `fetch` gets them from has whatever is asked for, as its owner says. */
  fetchesAny?: boolean;
  /** For whom requesters may bring adapters along. Left out: they may not. */
  takes?: AdapterBase;
  /** The model is lent without any where it would get less context or fewer slots, or would not fit. */
  isOptional?: boolean;
}
