/** The messages between the page and its engine worker. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import type { ErrorCode } from '@llmesh/core/base/errors';
import type { Scores } from '@llmesh/core/proof/score';
import { engineError } from './common/engine-error.ts';
import type { EngineSettings } from '../state/device/engine-settings.ts';
import { settled, type Outcome } from './outcome.ts';

/** Callbacks are Comlink proxies: calling one is a message, and awaiting `onPiece` waits until its piece was taken. */
export interface EngineHostApi {
  probe(): Promise<Outcome<Probe>>;
  load(
    model: CatalogueModel,
    settings: EngineSettings,
    onProgress: (progress: LoadProgress) => void,
    onLost: (code: ErrorCode, message: string) => void,
  ): Promise<Outcome<LoadedModel>>;
  generate(request: GenerateRequest, onPiece: (piece: Piece) => unknown): Promise<Outcome<Finish>>;
  /** See `Engine.score`. Rejects with unsupported where the engine checks nothing. */
  score(request: GenerateRequest, tokenIds: readonly number[]): Promise<Outcome<Scores>>;
  /** Cancels the running load, answer or check. */
  cancel(): void;
  close(): Promise<void>;
}

/** `quotes`: see `settled`. */
export function outcomeOf<T>(run: () => Promise<T>, quotes: boolean): Promise<Outcome<T>> {
  return settled(run, engineError, quotes);
}
