/** How calls to a worker end. Comlink carries only an error's text, so we send codes. */
import { MeshError, type ErrorCode } from '@llmesh/core/base/errors';

export type Outcome<T> = { ok: true; value: T } | { ok: false; code: ErrorCode; message: string; detail: string };

/** Of what a library says: enough for whoever made it. */
const MAX_DETAIL = 300;

/** `toError`: names what was thrown. `quotes`: the text of an underlying error may quote the prompt, so that it stays here. */
export async function settled<T>(
  run: () => Promise<T>,
  toError: (thrown: unknown) => MeshError | Promise<MeshError>,
  quotes = false,
): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (thrown) {
    const error = await toError(thrown);
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
