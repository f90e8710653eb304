/** Why bytes stopped coming, and whether it helps to ask again, to start over, or not at all. */
import { asMeshError, MeshError, type ErrorCode } from '@llmesh/core/base/errors';

export type TransferFailure =
  /** The connection broke, or the server is busy: ask again. */
  | { kind: 'break'; retryAfterMs: number | null }
  /** Another file has replaced the one that was begun. */
  | { kind: 'changed' }
  /** Asking again would give the same. */
  | { kind: 'refused'; code: ErrorCode; advice: string };

export class TransferError extends Error {
  readonly failure: TransferFailure;

  constructor(failure: TransferFailure, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TransferError';
    this.failure = failure;
  }
}

export function broke(message: string, retryAfterMs: number | null = null, cause?: unknown): TransferError {
  return new TransferError({ kind: 'break', retryAfterMs }, message, { cause });
}

/** The error in words for a person. `name`: the name of the download. */
export function explainTransfer(thrown: unknown, name: string): MeshError {
  if (thrown instanceof TransferError && thrown.failure.kind === 'refused') {
    const { code, advice } = thrown.failure;
    return new MeshError(code, `${name} cannot be downloaded: ${thrown.message}. ${advice}`, { cause: thrown });
  }
  const why = thrown instanceof TransferError ? `: ${thrown.message}` : '';
  return asMeshError(
    thrown,
    'model_download_failed',
    `${name} could not be downloaded${why}. Check your connection and start again: it continues where it stopped.`,
  );
}
