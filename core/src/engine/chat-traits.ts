/** What a chat template takes, and how its model writes: found out by trying it with small conversations. */
import * as v from 'valibot';
import type { CallFrame } from '../syntax/call-grammar.ts';
import { AnswerReader } from '../syntax/answer-reader.ts';
import { DIALECTS, THOUGHTS, type DialectName, type ThoughtsName } from '../syntax/dialects.ts';
import { jsonEnd } from '../syntax/json-slices.ts';
import { ChatTemplate, type TemplateTokens } from './chat-template.ts';

const dialects = Object.keys(DIALECTS) as DialectName[];
const thoughts = Object.keys(THOUGHTS) as ThoughtsName[];
const text = v.pipe(v.string(), v.maxLength(4_096));

/** How a call is written around its name and its arguments, for models whose arguments are JSON. */
const FrameSchema = v.object({ before: text, between: text, after: text });

const ToolTraitsSchema = v.object({
  calls: v.picklist([...dialects, 'harmony']),
  /** What the template wants instead of OpenAI's text of JSON. */
  asObjects: v.boolean(),
  /** The ids of calls hold their names. */
  namedIds: v.boolean(),
  /** What an assistant has for content that only calls. */
  blank: v.nullable(v.literal('')),
  frame: v.nullable(FrameSchema),
});
export type ToolTraits = v.InferOutput<typeof ToolTraitsSchema>;

export const TraitsSchema = v.object({
  /** Content has to be a list of parts. */
  parts: v.boolean(),
  /** It has a place for a system turn. */
  system: v.boolean(),
  /** It has one in the middle of a conversation, too. */
  laterSystem: v.boolean(),
  /** Two turns of one role may follow each other. */
  neighbours: v.boolean(),
  /** How functions are offered and called; null: it knows none, or in a way that cannot be read. */
  tools: v.nullable(ToolTraitsSchema),
  /** The marks of its thoughts; null: it does not think, or `tools` says how. */
  thoughts: v.nullable(v.picklist(thoughts)),
  /** It was made to think: the template begins the thoughts, or turns them on and off. */
  thinks: v.boolean(),
});
export type Traits = v.InferOutput<typeof TraitsSchema>;

/** What every template takes that works at all. */
export const USUAL: Traits = {
  parts: false,
  system: true,
  laterSystem: true,
  neighbours: true,
  tools: null,
  thoughts: null,
  thinks: false,
};

const SYSTEM = 'qzsystem';
const [ASK, MORE, REPLY, REST, RESULT] = ['qzask', 'qzmore', 'qzreply', 'qzrest', 'qzresult'];
const NAME = 'qz_name';
const ARGUMENTS = { qz_key: 'qz_value' };
const TOOL = {
  name: NAME,
  description: 'It is there to try a template.',
  parameters: {
    type: 'object',
    properties: { qz_key: { type: 'string', description: 'A text.' } },
    required: ['qz_key'],
  },
};
const CALL_ID = 'qzcall001';
/** Some templates write the id of a call, which no model should. */
const OWN_ID = /\s*,\s*"id"\s*:\s*"qzcall001"/;
const HARMONY = '<|channel|>analysis';

interface Message {
  role: string;
  content: string | null;
  tool_calls?: unknown;
  tool_call_id?: string;
  name?: string;
}

/** A template that works with none of these has the usual traits, and says itself what it refuses. */
export function traitsOf(source: string, tokens: TemplateTokens): Traits {
  const template = new ChatTemplate(source);
  const render = (messages: readonly object[], more: Record<string, unknown> = {}): string | null => {
    try {
      return template.render({ messages, ...chatValues(tokens), ...more });
    } catch {
      return null;
    }
  };
  const plain = render([{ role: 'user', content: ASK }]);
  const asParts = (messages: readonly Message[]) => messages.map((one) => ({ ...one, content: partsOf(one.content) }));
  const parts =
    plain?.includes(ASK) !== true && render(asParts([{ role: 'user', content: ASK }]))?.includes(ASK) === true;
  const prompt = (messages: readonly Message[], more?: Record<string, unknown>) =>
    render(parts ? asParts(messages) : messages, more);
  const shows = (messages: readonly Message[]): boolean => {
    const shown = prompt(messages);
    return messages.every(({ content }) => shown?.includes(String(content)) === true);
  };
  const begun = prompt([{ role: 'user', content: ASK }]);
  if (begun === null) return USUAL;
  const knowsHarmony = source.includes(HARMONY);
  const marks = knowsHarmony ? null : (thoughts.find((name) => isMarked(source, begun, name)) ?? null);
  return {
    parts,
    system: shows([turn('system', SYSTEM), turn('user', ASK)]),
    laterSystem: shows([turn('user', ASK), turn('assistant', REPLY), turn('system', SYSTEM), turn('user', MORE)]),
    neighbours: shows([
      turn('user', ASK),
      turn('user', MORE),
      turn('assistant', REPLY),
      turn('assistant', REST),
      turn('user', RESULT),
    ]),
    tools: toolTraits(source, prompt),
    thoughts: marks,
    thinks: knowsHarmony || (marks !== null && isMadeToThink(source, marks, begun, prompt)),
  };
}

/** What is the same in every conversation. */
export function chatValues({ bos, eos }: TemplateTokens): Record<string, unknown> {
  return { bos_token: bos, eos_token: eos, add_generation_prompt: true };
}

export function partsOf(content: unknown): unknown {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function turn(role: string, content: string): Message {
  return { role, content };
}

type Prompt = (messages: readonly Message[], more?: Record<string, unknown>) => string | null;

/** Templates drop the thoughts of earlier turns at the mark that ends them, or begin those of the answer. */
function isMarked(source: string, begun: string, name: ThoughtsName): boolean {
  const { open, close } = THOUGHTS[name];
  return source.includes(close) || begun.trimEnd().endsWith(open);
}

function isMadeToThink(source: string, name: ThoughtsName, begun: string, prompt: Prompt): boolean {
  if (begun.trimEnd().endsWith(THOUGHTS[name].open) || name === 'brackets') return true;
  const asked = [turn('user', ASK)];
  const switched = [true, false].map((on) => prompt(asked, { enable_thinking: on, thinking: on }));
  return switched[0] !== switched[1] || /\b(?:enable_thinking|reasoning_effort|thinking_budget)\b/.test(source);
}

/** Null where the template does not name the function, or writes calls in a way that no reader here reads back. */
function toolTraits(source: string, prompt: Prompt): ToolTraits | null {
  const tools = [{ type: 'function', function: TOOL }];
  if (prompt([turn('user', ASK)], { tools })?.includes(NAME) !== true) return null;
  for (const blank of ['', null] as const)
    for (const asObjects of [true, false])
      for (const namedIds of [false, true]) {
        const id = namedIds ? `functions.${NAME}:0` : CALL_ID;
        const call = { name: NAME, arguments: asObjects ? ARGUMENTS : JSON.stringify(ARGUMENTS) };
        const written = prompt(
          [
            turn('user', ASK),
            { role: 'assistant', content: blank, tool_calls: [{ id, type: 'function', function: call }] },
            { role: 'tool', tool_call_id: id, name: NAME, content: RESULT },
          ],
          { tools },
        );
        const from = written?.lastIndexOf(ASK) ?? -1;
        const to = written?.indexOf(RESULT, from) ?? -1;
        if (written === null || from === -1 || to === -1) continue;
        const region = written.slice(from + ASK.length, to);
        const calls = dialectOf(source, region);
        if (calls === null) continue;
        return { calls, asObjects, namedIds, blank, frame: frameOf(calls, region) };
      }
  return null;
}

/** The dialect whose reader reads the call that was written. */
function dialectOf(source: string, region: string): ToolTraits['calls'] | null {
  if (source.includes(HARMONY)) return readsBack('harmony', behind(region, '<|start|>assistant')) ? 'harmony' : null;
  return (
    dialects.find((name) => {
      const at = callAt(name, region);
      return at !== -1 && readsBack(name, region.slice(at));
    }) ?? null
  );
}

function callAt(name: DialectName, region: string): number {
  const places = DIALECTS[name].opens.map((open) => region.indexOf(open)).filter((at) => at !== -1);
  if (places.length > 0) return Math.min(...places);
  return 'bare' in DIALECTS[name] ? region.search(/\{\s*"(?:name|type|function)"/) : -1;
}

function readsBack(calls: ToolTraits['calls'], written: string): boolean {
  const reader = new AnswerReader({ calls, thoughts: null, begun: false }, [TOOL]);
  const all = [...reader.push(written), ...reader.end()];
  const json = all.flatMap((part) => (part.type === 'arguments' && part.index === 0 ? [part.text] : [])).join('');
  return all.some(({ type }) => type === 'call') && /^\{\s*"qz_key"\s*:\s*"qz_value"\s*\}$/.test(json);
}

function behind(region: string, mark: string): string {
  const at = region.indexOf(mark);
  return at === -1 ? region : region.slice(at + mark.length);
}

/** How the call is written around what was put into it; null where that is no JSON. */
function frameOf(calls: ToolTraits['calls'], region: string): CallFrame | null {
  const written = calls === 'harmony' ? behind(region, '<|start|>assistant') : region.slice(callAt(calls, region));
  const keyAt = written.indexOf('"qz_key"');
  const begin = written.lastIndexOf('{', keyAt);
  const end = begin === -1 ? null : jsonEnd(written, begin);
  const nameAt = written.indexOf(NAME);
  if (keyAt === -1 || end === null || nameAt === -1 || nameAt > begin) return null;
  const before = written.slice(0, nameAt);
  const after = written.slice(end, endOfCall(calls, written, end)).replace(OWN_ID, '');
  return { before, between: written.slice(nameAt + NAME.length, begin), after };
}

function endOfCall(calls: ToolTraits['calls'], written: string, from: number): number {
  // Harmony ends a call with a token that ends the answer.
  if (calls === 'harmony') return from;
  const { closes } = DIALECTS[calls];
  const ends = closes.flatMap((close) => {
    const at = written.indexOf(close, from);
    return at === -1 ? [] : [at + close.length];
  });
  if (ends.length > 0) return Math.min(...ends);
  const at = written.search(/[[{]/);
  const marked = DIALECTS[calls].opens.find((open) => written.startsWith(open))?.length ?? 0;
  const json = written.slice(marked).search(/[{[]/);
  return DIALECTS[calls].body === 'json' ? (jsonEnd(written, json === -1 ? at : marked + json) ?? from) : from;
}
