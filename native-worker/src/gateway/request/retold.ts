/** A request of another API, told as a chat completion, and the errors about that in the words of the request itself. */
import { MeshError } from '@llmesh/core/base/errors';
import { ApiError, asApiError } from './api-error.ts';

export interface Retold {
  /** The body of a chat completion. */
  body: Record<string, unknown>;
  /** Where each of its messages stands in the request. */
  origins: readonly string[];
}

/** What parameters of a chat completion are called in the request; the first that matches counts. */
export type Renamed = readonly (readonly [chat: RegExp, own: string])[];

/** Any error about a retold request, as one about the request itself. Faults of the gateway stay as they are. */
export function inOwnWords(thrown: unknown, origins: readonly string[], renamed: Renamed): unknown {
  return thrown instanceof ApiError || thrown instanceof MeshError
    ? reworded(asApiError(thrown), origins, renamed)
    : thrown;
}

export function reworded(error: ApiError, origins: readonly string[], renamed: Renamed): ApiError {
  const { param, message, type, code } = error.body.error;
  if (param === null) return error;
  const own = ownName(param, origins, renamed);
  return new ApiError({
    status: error.status,
    type,
    code: code ?? type,
    param: own,
    message: message.replaceAll(`"${param}"`, () => `"${own}"`),
    ...(error.retryAfterSeconds !== null && { retryAfterSeconds: error.retryAfterSeconds }),
  });
}

function ownName(param: string, origins: readonly string[], renamed: Renamed): string {
  const placed = param.replace(/^messages\[(\d+)\]/, (whole, index) => origins[Number(index)] ?? whole);
  const [chat, own] = renamed.find(([pattern]) => pattern.test(placed)) ?? [];
  return chat === undefined || own === undefined ? placed : placed.replace(chat, own);
}
