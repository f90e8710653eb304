/**
 * The prompt that web-llm makes of a conversation, as one text. Its chat takes no begun answer, its completion takes
 * only a text: given this text and the begun answer behind it, web-llm continues.
 */
import type { PlainTurn } from '@llmesh/core/syntax/plain-turns';
import * as v from 'valibot';
import { MLC_CACHES } from '../common/storage-names.ts';

/** The part of `mlc-chat-config.json` that says how turns are written; web-llm's `ConvTemplateConfig`. */
const TemplateSchema = v.object({
  system_template: v.string(),
  system_message: v.string(),
  render_empty_system_message: v.optional(v.nullable(v.boolean())),
  add_role_after_system_message: v.optional(v.nullable(v.boolean())),
  roles: v.object({ user: v.string(), assistant: v.string() }),
  role_templates: v.optional(v.nullable(v.record(v.string(), v.string()))),
  role_content_sep: v.optional(v.nullable(v.string())),
  role_empty_sep: v.optional(v.nullable(v.string())),
  seps: v.pipe(v.array(v.string()), v.minLength(1)),
});
export type MlcTemplate = v.InferOutput<typeof TemplateSchema>;

const ConfigSchema = v.object({
  // Fields that override the template.
  conv_config: v.optional(v.null()),
  // Only these tokenizers keep the leading space of a text from the middle of an answer.
  tokenizer_info: v.object({ token_postproc_method: v.literal('byte_level') }),
  conv_template: v.object({
    ...TemplateSchema.entries,
    // Tokens before the text, which a completion would leave out.
    system_prefix_token_ids: v.optional(v.union([v.null(), v.pipe(v.array(v.number()), v.length(0))])),
  }),
});

const DEFAULT_SEPARATOR = ': ';

/** How the model in `folder` is prompted; null where web-llm could not continue a text. */
export async function keptTemplate(folder: string): Promise<MlcTemplate | null> {
  const kept = await (await caches.open(MLC_CACHES.config)).match(`${folder}mlc-chat-config.json`);
  return kept === undefined ? null : templateOf(await kept.json());
}

export function templateOf(config: unknown): MlcTemplate | null {
  const result = v.safeParse(ConfigSchema, config);
  return result.success ? result.output.conv_template : null;
}

/**
 * The parts of the prompt, which ends where the assistant's answer begins; in a chat web-llm tokenizes each for itself. As
 * web-llm 0.2.86 does it, down to its `replace` (`$$` is one `$`).
 */
export function mlcPrompt(template: MlcTemplate, turns: readonly PlainTurn[]): string[] {
  const [first] = turns;
  const asked = first?.role === 'system' ? first.content : template.system_message;
  const silent = asked === '' && template.render_empty_system_message === false;
  const system = silent ? '' : template.system_template.replace('{system_message}', asked);
  const said = first?.role === 'system' ? turns.slice(1) : turns;
  const written = said.map(({ role, content }, i) => {
    const words = template.role_templates?.[role]
      ?.replace(`{${role}_message}`, content)
      .replace('{function_string}', '');
    const bare = template.add_role_after_system_message === false && system !== '' && i === 0;
    const speaker = bare ? '' : nameOf(template, role) + (template.role_content_sep ?? DEFAULT_SEPARATOR);
    return speaker + (words ?? content) + template.seps[i % template.seps.length];
  });
  const reply = template.roles.assistant + (template.role_empty_sep ?? DEFAULT_SEPARATOR);
  return [...(system === '' ? [] : [system]), ...written, reply];
}

function nameOf(template: MlcTemplate, role: PlainTurn['role']): string {
  return role === 'assistant' ? template.roles.assistant : template.roles.user;
}
