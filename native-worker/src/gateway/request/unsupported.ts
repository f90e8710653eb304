/** Parameters that nothing here carries out: refused by name unless they ask for what happens anyway. */
import { unsupported } from './api-error.ts';
import { isObject } from './message-content.ts';

/** Whether this value of a parameter of this request leaves the answer as it is. */
type IsNeutral = (value: unknown, request: Record<string, unknown>) => boolean;

const never: IsNeutral = () => false;
const always: IsNeutral = () => true;
const oneOf =
  (...values: unknown[]): IsNeutral =>
  (value) =>
    values.includes(value);
const empty: IsNeutral = (value) => value === '' || (Array.isArray(value) && value.length === 0);
/** Some servers are told whether the last message goes on. Here it does when it is the assistant's. */
const goesOn = ({ messages }: Record<string, unknown>) => {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : null;
  return isObject(last) && last['role'] === 'assistant';
};

const isPenalized = (request: Record<string, unknown>) =>
  ['repeat_penalty', 'repetition_penalty'].some((name) => (request[name] ?? 1) !== 1) ||
  ['presence_penalty', 'frequency_penalty'].some((name) => (request[name] ?? 0) !== 0);

const each = (isNeutral: IsNeutral, ...names: string[]) =>
  Object.fromEntries(names.map((name): [string, IsNeutral] => [name, isNeutral]));

/** Samplers and switches of other servers of open models, with the values that leave an answer as it is. */
const ELSEWHERE: Record<string, IsNeutral> = {
  ...each(oneOf(0), 'dry_multiplier', 'dynatemp_range', 'epsilon_cutoff', 'eta_cutoff', 'mirostat', 'mirostat_mode'),
  ...each(oneOf(0), 'min_keep', 'min_tokens', 'n_probs', 'no_repeat_ngram_size', 'penalty_alpha', 'priority'),
  ...each(oneOf(0), 'smoothing_factor', 'top_a', 'xtc_probability'),
  ...each(oneOf(1), 'encoder_repetition_penalty', 'guidance_scale', 'length_penalty', 'tfs', 'tfs_z', 'typical_p'),
  ...each(oneOf(false), 'ignore_eos', 'include_stop_str_in_output', 'post_sampling_probs', 'return_progress'),
  ...each(
    oneOf(false),
    'return_token_ids',
    'return_tokens',
    'temperature_last',
    'timings_per_token',
    'use_beam_search',
  ),
  ...each(oneOf(true), 'do_sample', 'include_reasoning', 'skip_special_tokens', 'spaces_between_special_tokens'),
  ...each(empty, 'bad_words', 'grammar', 'negative_prompt', 'stop_token_ids'),
  // These shape what a sampler does that is off, as it is refused otherwise.
  ...each(always, 'dry_allowed_length', 'dry_base', 'dry_penalty_last_n', 'dry_sequence_breakers', 'dynatemp_exponent'),
  ...each(always, 'mirostat_eta', 'mirostat_tau', 'smoothing_curve', 'xtc_threshold'),
  // How long a server keeps a model in memory, and for how much text: volunteers decide that. A longer text is refused.
  ...each(always, 'keep_alive', 'n_ctx', 'n_keep', 'num_ctx', 'num_keep'),
  ...each(always, 'cache_salt', 'request_id'),
  add_generation_prompt: (value, request) => value === !goesOn(request),
  // What has been read is kept for the next turn in any case.
  cache_prompt: oneOf(true),
  continue_final_message: (value, request) => value === goesOn(request),
  id_slot: oneOf(-1),
  reasoning_format: oneOf('auto', 'deepseek', 'parsed'),
  // Penalties count the words of the whole answer, where there are any.
  repeat_last_n: (value, request) => value === -1 || !isPenalized(request),
  top_n_sigma: oneOf(-1),
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
  add_generation_prompt: 'An answer begins afresh unless the last message is the assistant’s, which it continues.',
  continue_final_message: 'An answer continues the last message if it is the assistant’s, and begins afresh otherwise.',
  cache_prompt: 'A volunteer may keep what it has read for the next turn.',
  service_tier: 'All requests are served alike.',
  repeat_last_n: 'Penalties count the words of the whole answer.',
};

/** The request without them. Throws for the first one that asks for something. Null counts as left out. */
export function withoutUnsupported(
  request: Record<string, unknown>,
  kind: keyof typeof UNSUPPORTED,
): Record<string, unknown> {
  const refused = UNSUPPORTED[kind];
  const rest: [string, unknown][] = [];
  for (const [name, value] of Object.entries(request)) {
    if (value === null) continue;
    const isNeutral = Object.hasOwn(refused, name) ? refused[name] : undefined;
    if (isNeutral === undefined) rest.push([name, value]);
    else if (!isNeutral(value, request)) {
      const reason = REASONS[name] ?? 'No volunteer carries that out.';
      throw unsupported(name, `"${name}" asks for something that does not happen here. ${reason} Leave it out.`);
    }
  }
  return Object.fromEntries(rest);
}
