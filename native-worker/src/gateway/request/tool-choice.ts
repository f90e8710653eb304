/**
 * Which functions may be called, in the words of chat completions, whichever API's words a request uses for it: OpenAI's
 * functions of old, its lists of allowed tools, and what other servers made of them.
 */
import { badRequest } from './api-error.ts';
import { isObject } from './message-content.ts';

type Fields = Record<string, unknown>;

export interface Called {
  request: Fields;
  /** It speaks of functions, not of tools, and expects its answer in the same words. */
  legacy: boolean;
}

const MODES: ReadonlyMap<unknown, string> = new Map([
  ['auto', 'auto'],
  ['none', 'none'],
  ['required', 'required'],
  ['any', 'required'],
]);

/** Throws an `ApiError` where it contradicts itself. What it does not know it leaves as it is. */
export function withTools(request: Fields): Called {
  const { functions, function_call: functionCall, ...rest } = request;
  const legacy = Array.isArray(functions) && functions.length > 0;
  if (functions !== undefined && !(Array.isArray(functions) && functions.every(isNamed))) {
    throw badRequest('functions', '"functions" is a list of objects with "name", "description" and "parameters".');
  }
  if (!legacy) {
    const unasked = functionCall === undefined || functionCall === 'none' || functionCall === 'auto';
    if (!unasked) throw badRequest('function_call', 'There are no functions to call.');
    return { request: chosen(rest), legacy };
  }
  if (rest['tools'] !== undefined) throw badRequest('functions', 'Send "tools" alone: "functions" mean the same.');
  const named = isObject(functionCall) ? { type: 'function', function: { name: functionCall['name'] } } : functionCall;
  return {
    request: chosen({
      ...rest,
      tools: functions.map((one: unknown) => ({ type: 'function', function: one })),
      ...(named !== undefined && { tool_choice: named }),
      parallel_tool_calls: false,
    }),
    legacy,
  };
}

function chosen(request: Fields): Fields {
  const { tool_choice: choice, ...rest } = request;
  if (choice === undefined) return rest;
  if (!isObject(choice)) return { ...rest, tool_choice: MODES.get(choice) ?? choice };
  const { type, name } = choice;
  const mode = MODES.get(type);
  if (mode !== undefined) return { ...rest, tool_choice: mode };
  if (type === 'allowed_tools') return allowed(choice, rest);
  const isFlat = isNamed(choice) && (type === 'function' || type === 'tool');
  return { ...rest, tool_choice: isFlat ? { type: 'function', function: { name } } : choice };
}

/** The list stands in a field of its own, or beside the type. */
function allowed(choice: Fields, rest: Fields): Fields {
  const { mode, tools } = isObject(choice['allowed_tools']) ? choice['allowed_tools'] : choice;
  const offered: readonly unknown[] = Array.isArray(rest['tools']) ? rest['tools'] : [];
  if (!Array.isArray(tools) || tools.length === 0) {
    throw badRequest('tool_choice', '"allowed_tools" have "mode" and "tools", a list of those that may be called.');
  }
  const names = new Set(offered.map(nameOf));
  const wanted = new Set(tools.map(nameOf));
  for (const name of wanted) {
    if (typeof name === 'string' && names.has(name)) continue;
    throw badRequest(
      'tool_choice',
      `It allows a function that is not among the tools: ${JSON.stringify(name ?? null).slice(0, 80)}.`,
    );
  }
  const kept = offered.filter((tool) => wanted.has(nameOf(tool)));
  return { ...rest, tools: kept, tool_choice: MODES.get(mode) ?? 'auto' };
}

function isNamed(value: unknown): boolean {
  return isObject(value) && typeof value['name'] === 'string';
}

function nameOf(tool: unknown): unknown {
  if (!isObject(tool)) return undefined;
  return isObject(tool['function']) ? tool['function']['name'] : tool['name'];
}
