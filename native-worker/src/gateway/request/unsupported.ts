/** OpenAI's parameters that are not supported here: refused by name unless they ask for what happens anyway. */
import { unsupported } from './api-error.ts';

type IsNeutral = (value: unknown) => boolean;

const never: IsNeutral = () => false;
const oneOf =
  (...values: unknown[]): IsNeutral =>
  (value) =>
    values.includes(value);
const empty: IsNeutral = (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

/** Values that make no difference are accepted, since many clients send every parameter they know. */
const UNSUPPORTED: Record<'chat' | 'completion' | 'embedding', Record<string, IsNeutral>> = {
  chat: {
    audio: never,
    function_call: oneOf('none'),
    functions: empty,
    logit_bias: empty,
    metadata: empty,
    modalities: (value) => Array.isArray(value) && value.every((one) => one === 'text'),
    moderation: never,
    prediction: never,
    prompt_cache_options: never,
    prompt_cache_retention: never,
    reasoning_effort: never,
    service_tier: oneOf('auto', 'default'),
    store: oneOf(false),
    verbosity: oneOf('medium'),
    web_search_options: never,
    // Names of the requester and hints for OpenAI's own machines. They do not leave this computer.
    prompt_cache_key: () => true,
    safety_identifier: () => true,
    user: () => true,
  },
  embedding: { user: () => true },
  completion: { logit_bias: empty, suffix: oneOf(''), user: () => true },
};

/** The request without them. Throws for the first one that asks for something. Null counts as left out. */
export function withoutUnsupported(request: object, kind: keyof typeof UNSUPPORTED): Record<string, unknown> {
  const refused = UNSUPPORTED[kind];
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(request)) {
    if (value === null) continue;
    const isNeutral = Object.hasOwn(refused, name) ? refused[name] : undefined;
    if (isNeutral === undefined) rest.push([name, value]);
    else if (!isNeutral(value)) {
      throw unsupported(name, `This mesh does not carry out "${name}" yet. Leave it out, and ask again.`);
    }
  }
  return Object.fromEntries(rest);
}
