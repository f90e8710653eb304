/** What runs inside the engine worker, one per format. The other end is `browser-engine.ts`. */
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import type { MeshError } from '@llmesh/core/base/errors';
import type { Scores } from '@llmesh/core/proof/score';
import type { EngineSettings } from '../../state/device/engine-settings.ts';

export type OnProgress = (progress: LoadProgress) => void;
export type OnPiece = (piece: Piece) => void;
/** Resolves when the next piece may be computed, or the answer is not wanted any more. */
export type Drained = () => Promise<void>;

export interface Adapter<M extends CatalogueModel> {
  load(model: M, settings: EngineSettings, onProgress: OnProgress, signal: AbortSignal): Promise<LoadedModel>;
  /** One answer at a time. Rejects with `cancelled` once it has stopped computing. */
  generate(request: GenerateRequest, onPiece: OnPiece, drained: Drained, signal: AbortSignal): Promise<Finish>;
  /** As `Engine.score`, alone at work as an answer is. Left out: it checks nothing. */
  score?(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores>;
  /** The engine died on its own. */
  onLost: ((error: MeshError) => void) | null;
  close(): Promise<void>;
}
