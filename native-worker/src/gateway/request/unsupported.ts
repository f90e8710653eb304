/** Parameters that nothing here carries out: refused by name unless they ask for what happens anyway. */
import { unsupported } from './api-error.ts';

type IsNeutral = (value: unknown) => boolean;

const never: IsNeutral = () => false;
const always: IsNeutral = () => true;
const oneOf =
  (...values: unknown[]): IsNeutral =>
  (value) =>
    values.includes(value);

/** Samplers and switches of other servers of open models, with the values that leave an answer as it is. */
const ELSEWHERE: Record<string, IsNeutral> = {
  add_generation_prompt: oneOf(true),
  // What has been read is kept for the next turn in any case.
  cache_prompt: oneOf(true),
  dry_multiplier: oneOf(0),
  dynatemp_range: oneOf(0),
  grammar: oneOf(''),
  ignore_eos: oneOf(false),
  include_reasoning: oneOf(true),
  include_stop_str_in_output: oneOf(false),
  // How long a server keeps a model in memory, and for how much text: volunteers decide that. A longer text is refused.
  keep_alive: always,
  length_penalty: oneOf(1),
  min_tokens: oneOf(0),
  mirostat: oneOf(0),
  n_ctx: always,
  n_keep: always,
  num_ctx: always,
  num_keep: always,
  priority: oneOf(0),
  reasoning_format: oneOf('auto', 'deepseek', 'parsed'),
  // Penalties count the words of the whole answer.
  repeat_last_n: oneOf(-1),
  skip_special_tokens: oneOf(true),
  spaces_between_special_tokens: oneOf(true),
  tfs_z: oneOf(1),
  timings_per_token: oneOf(false),
  top_a: oneOf(0),
  typical_p: oneOf(1),
  use_beam_search: oneOf(false),
  xtc_probability: oneOf(0),
};

/** Values that make no difference are accepted, since many clients send every parameter they know. */
const UNSUPPORTED: Record<'chat' | 'completion' | 'embedding', Record<string, IsNeutral>> = {
  chat: {
    ...ELSEWHERE,
    audio: never,
    best_of: oneOf(1),
    echo: oneOf(false),
    modalities: (value) => Array.isArray(value) && value.every((one) => one === 'text'),
    moderation: never,
    service_tier: oneOf('auto', 'default'),
    store: oneOf(false),
    verbosity: oneOf('medium'),
    web_search_options: never,
    // Labels of the requester, and hints how to be quicker. They do not leave this computer, and no answer depends on them.
    metadata: always,
    prediction: always,
    prompt_cache_key: always,
    prompt_cache_options: always,
    prompt_cache_retention: always,
    safety_identifier: always,
    user: always,
  },
  embedding: { keep_alive: always, num_ctx: always, truncate: oneOf(false), user: always },
  completion: { ...ELSEWHERE, suffix: oneOf(''), user: always },
};

/** Why, where it helps. */
const REASONS: Partial<Record<string, string>> = {
  audio: 'Models here read and write text alone.',
  best_of: 'Every answer that is written is sent: "n" says how many.',
  modalities: 'Models here read and write text alone.',
  web_search_options: 'No volunteer searches the web.',
  store: 'No answer is kept here, and none can be fetched later.',
  cache_prompt: 'A volunteer may keep what it has read for the next turn.',
  service_tier: 'All requests are served alike.',
  repeat_last_n: 'Penalties count the words of the whole answer.',
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
      const reason = REASONS[name] ?? 'No volunteer carries that out.';
      throw unsupported(name, `"${name}" asks for something that does not happen here. ${reason} Leave it out.`);
    }
  }
  return Object.fromEntries(rest);
}
