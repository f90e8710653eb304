/** The messages between the page and its engine worker. Comlink carries only an error's text, so we send codes. */
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { MeshError, type ErrorCode } from '@llmesh/core/base/errors';
import type { Scores } from '@llmesh/core/proof/score';
import { engineError } from './common/engine-error.ts';
import type { EngineSettings } from '../state/device/engine-settings.ts';

export type Outcome<T> = { ok: true; value: T } | { ok: false; code: ErrorCode; message: string; detail: string };

/** Of what a library says: enough for whoever made it. */
const MAX_DETAIL = 300;

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

/** `quotes`: the text of an underlying error may quote the prompt, so that it stays here. */
export async function outcomeOf<T>(run: () => Promise<T>, quotes: boolean): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (thrown) {
    const error = await engineError(thrown);
    return { ok: false, code: error.code, message: error.message, detail: detailOf(error.cause, quotes) };
  }
}

export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw new MeshError(outcome.code, outcome.message, outcome.detail === '' ? {} : { cause: outcome.detail });
}

/** The underlying error, for the log. */
function detailOf(cause: unknown, quotes: boolean): string {
  if (cause === undefined) return '';
  if (!(cause instanceof Error || cause instanceof DOMException)) return typeof cause;
  return quotes ? cause.name : `${cause.name}: ${cause.message}`.slice(0, MAX_DETAIL);
}
