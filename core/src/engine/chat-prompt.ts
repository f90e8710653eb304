/** A conversation as the text that a model reads, by its template and what that was found to take. */
import type { Thinking, Tools, Turn } from '../protocol.ts';
import { MeshError } from '../base/errors.ts';
import { THOUGHTS } from '../syntax/dialects.ts';
import { plainTurns } from '../syntax/plain-turns.ts';
import { toolsOf } from '../syntax/tools.ts';
import { compiledTemplate, type TemplateTokens } from './chat-template.ts';
import { chatValues, partsOf, traitsOf, USUAL, type Traits } from './chat-traits.ts';

export interface Conversation {
  turns: readonly Turn[];
  /** Told through the template, whose traits say that it can. Left out: none. */
  tools?: Tools | undefined;
  /** Left out: as the model is made. */
  thinking?: Thinking | undefined;
  /** The answer has the form of `generic-form.ts`: earlier ones are shown in it. */
  inForm?: boolean | undefined;
  /** What is said has a form, which begins after the thoughts: these are begun for the model. */
  thinksFirst?: boolean | undefined;
}

/** Templates check that these have nine letters or digits. */
const CALL_ID_DIGITS = 5;

interface Message {
  role: Turn['role'];
  content: string | null;
  tool_calls?: unknown;
  tool_call_id?: string;
  name?: string | undefined;
  reasoning_content?: string;
  thinking?: string;
}

/**
 * The prompt, ending where the assistant's answer begins; behind its first words, where the last turn is the assistant's.
 * Throws model_unreadable when the template is broken, refuses these turns, or takes too much work.
 */
export function promptOf(template: string, traits: Traits, conversation: Conversation, tokens: TemplateTokens): string {
  const { turns, tools, thinking } = conversation;
  const last = turns.at(-1);
  const begun = last?.role === 'assistant' && last.calls === undefined ? last : null;
  const messages = folded(messagesOf(begun === null ? turns : turns.slice(0, -1), traits, conversation), traits);
  try {
    const text = compiledTemplate(template).render({
      ...chatValues(tokens),
      ...thinkingValues(thinking),
      messages: traits.parts ? messages.map((one) => ({ ...one, content: partsOf(one.content) })) : messages,
      ...(tools !== undefined && { tools: toolValues(tools) }),
    });
    return `${opened(text, traits, conversation)}${begun === null ? '' : beginning(begun, text, traits)}`;
  } catch (cause) {
    if (cause instanceof MeshError) throw cause;
    throw new MeshError(
      'model_unreadable',
      'The chat template of this model does not accept this conversation. Choose another model.',
      { cause },
    );
  }
}

/** The prompt of a conversation without functions, for engines that have no traits yet. Throws like `promptOf`. */
export function renderChat(template: string, turns: readonly Turn[], tokens: TemplateTokens): string {
  return promptOf(template, knownTraits(template, tokens), { turns }, tokens);
}

const known = new Map<string, Traits>();
const MAX_KNOWN = 8;

function knownTraits(template: string, tokens: TemplateTokens): Traits {
  let traits = known.get(template);
  if (traits === undefined) {
    traits = safeTraits(template, tokens);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(template, traits);
  }
  return traits;
}

/** A template that cannot be read says so when it is used. */
function safeTraits(template: string, tokens: TemplateTokens): Traits {
  try {
    return traitsOf(template, tokens);
  } catch {
    return USUAL;
  }
}

/** Whether the prompt ends within thoughts. */
export function endsInThoughts(prompt: string, { thoughts }: Traits): boolean {
  return thoughts !== null && prompt.trimEnd().endsWith(THOUGHTS[thoughts].open);
}

/** Begins or ends the thoughts where the template does not. */
function opened(text: string, traits: Traits, { thinking, thinksFirst = false }: Conversation): string {
  if (traits.thoughts === null) {
    const isHarmony = traits.tools?.calls === 'harmony';
    return isHarmony && thinking?.on === false && text.endsWith('<|start|>assistant')
      ? `${text}<|channel|>final<|message|>`
      : text;
  }
  const { open, close } = THOUGHTS[traits.thoughts];
  if (text.trimEnd().endsWith(close)) return text;
  const isBegun = endsInThoughts(text, traits);
  if (thinking?.on === false) {
    if (isBegun) return `${text.trimEnd()}\n\n${close}\n\n`;
    return traits.thinks ? `${text}${open}\n\n${close}\n\n` : text;
  }
  return thinksFirst && traits.thinks && !isBegun ? `${text}${open}\n` : text;
}

/** The first words of the answer, as the asker gave them. */
function beginning({ content, thoughts = '' }: Turn, text: string, traits: Traits): string {
  if (!endsInThoughts(text, traits) || traits.thoughts === null) return content;
  const { close } = THOUGHTS[traits.thoughts];
  return content === '' ? thoughts : `${thoughts}\n${close}\n\n${content}`;
}

function thinkingValues(thinking: Thinking | undefined): Record<string, unknown> {
  if (thinking === undefined) return {};
  const { on, effort, maxTokens } = thinking;
  const word = on ? effort : 'low';
  return {
    enable_thinking: on,
    thinking: on,
    ...(word !== undefined && { reasoning_effort: EFFORTS[word] ?? word }),
    ...(!on ? { thinking_budget: 0 } : maxTokens !== undefined && { thinking_budget: maxTokens }),
  };
}

/** Templates know three words. */
const EFFORTS: Readonly<Record<string, string>> = { minimal: 'low', xhigh: 'high' };

function toolValues(tools: Tools): unknown[] {
  return toolsOf(tools).map(({ name, description, parameters }) => ({
    type: 'function',
    function: { name, description: description ?? '', parameters: parameters ?? { type: 'object', properties: {} } },
  }));
}

function messagesOf(turns: readonly Turn[], { tools }: Traits, { inForm = false }: Conversation): Message[] {
  if (tools === null || inForm) return plainTurns(turns, inForm).map((one): Message => ({ ...one }));
  const ids = new Map<string, string>();
  return turns.map(({ role, content, calls, thoughts, call }): Message => {
    if (role === 'tool') {
      const id = call === undefined ? '' : (ids.get(call.id) ?? newId(ids.size, call.name, tools.namedIds));
      return { role, content, tool_call_id: id, name: call?.name };
    }
    if (role !== 'assistant') return { role, content };
    // Harmony takes either words or thoughts beside calls.
    const kept =
      thoughts === undefined ? {} : { reasoning_content: thoughts, ...(content === '' && { thinking: thoughts }) };
    if (calls === undefined) return { role, content, ...kept };
    const written = calls.map((one) => {
      const id = newId(ids.size, one.name, tools.namedIds);
      ids.set(one.id, id);
      return {
        id,
        type: 'function',
        function: { name: one.name, arguments: argumentsOf(one.arguments, tools.asObjects) },
      };
    });
    return { role, content: content === '' ? tools.blank : content, ...kept, tool_calls: written };
  });
}

function newId(count: number, name: string, isNamed: boolean): string {
  return isNamed ? `functions.${name}:${count}` : `call${String(count).padStart(CALL_ID_DIGITS, '0')}`;
}

/** What a client sent as arguments may be no JSON: then the template gets the words. */
function argumentsOf(json: string, asObject: boolean): unknown {
  if (!asObject) return json;
  try {
    const value: unknown = JSON.parse(json === '' ? '{}' : json);
    return typeof value === 'object' && value !== null ? value : json;
  } catch {
    return json;
  }
}

/** The same words in turns that the template takes. */
function folded(messages: readonly Message[], { laterSystem, system, neighbours }: Traits): Message[] {
  const lead = messages.findIndex(({ role }) => role !== 'system');
  // Nothing but instructions: they are what is asked.
  if (lead === -1) return [{ role: 'user', content: joined(messages) }];
  let first = messages.slice(0, lead);
  let rest = messages.slice(lead);
  if (!laterSystem || !system)
    rest = rest.map((one): Message => (one.role === 'system' ? { ...one, role: 'user' } : one));
  if (first.length > 1 && !(laterSystem && neighbours)) first = [{ role: 'system', content: joined(first) }];
  if (!neighbours && (rest[0]?.role === 'assistant' || rest[0]?.role === 'tool'))
    rest = [{ role: 'user', content: '' }, ...rest];
  if (!system && first.length > 0) {
    const isUsers = rest[0]?.role === 'user';
    rest = [
      { role: 'user', content: joined(isUsers ? [...first, ...rest.slice(0, 1)] : first) },
      ...rest.slice(isUsers ? 1 : 0),
    ];
    first = [];
  }
  return [...first, ...(neighbours ? rest : merged(rest))];
}

/** Neighbours of one role as one turn. Calls and their results stay as they are. */
function merged(messages: readonly Message[]): Message[] {
  const turns: Message[] = [];
  for (const message of messages) {
    const last = turns.at(-1);
    const isPlain = message.role !== 'tool' && message.tool_calls === undefined && last?.tool_calls === undefined;
    if (last?.role === message.role && isPlain) turns[turns.length - 1] = { ...last, content: joined([last, message]) };
    else turns.push(message);
  }
  return turns;
}

function joined(messages: readonly Message[]): string {
  return messages.flatMap(({ content }) => (content === null || content === '' ? [] : [content])).join('\n\n');
}
