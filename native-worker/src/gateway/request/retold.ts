/** A request of another API, told as a chat completion, and the errors about that in the words of the request itself. */
import { MeshError } from '@llmesh/core/base/errors';
import { ApiError, asApiError, badRequest, unsupported } from './api-error.ts';

export interface ToldMessage {
  /** A message of the chat. */
  message: {
    role: string;
    content?: unknown;
    reasoning_content?: string;
    tool_calls?: object[];
    tool_call_id?: string;
  };
  /** Where it stands in the request. */
  origin: string;
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

/**
 * The fields of a request that a chat completion calls alike. Throws an `ApiError` for one that only chats have (`ofChats`), and
 * for one that this API has elsewhere, and asks for something (`elsewhere`).
 */
export function calledAlike(
  fields: object,
  { read, ofChats, elsewhere }: { read: object; ofChats: ReadonlySet<string>; elsewhere: ReadonlySet<string> },
): Record<string, unknown> {
  const rest = Object.entries(fields).filter(([name]) => !Object.hasOwn(read, name));
  return Object.fromEntries(
    rest.filter(([name, value]) => {
      if (ofChats.has(name))
        throw badRequest(name, `There is no parameter "${name}". Is it spelt right?`, 'unknown_parameter');
      if (!elsewhere.has(name)) return true;
      if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return false;
      throw unsupported(name, `This mesh does not carry out "${name}". Leave it out, and ask again.`);
    }),
  );
}
