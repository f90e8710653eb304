/** How one question is put to this model: through its own template where that knows functions, in the generic form elsewhere. */
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { endsInThoughts, type Conversation } from '@llmesh/core/engine/chat-prompt';
import { genericRequest } from '@llmesh/core/engine/generic-request';
import type { Tools } from '@llmesh/core/protocol';
import type { GenericForm } from '@llmesh/core/syntax/generic-form';
import type { Traits } from '@llmesh/core/engine/chat-traits';
import type { JsonSchema } from '@llmesh/core/form/json-schema';
import type { CallFrame } from '@llmesh/core/syntax/call-grammar';
import type { Syntax } from '@llmesh/core/syntax/syntaxes';
import { callableOf, toolsOf, type Tool } from '@llmesh/core/syntax/tools';

export interface AnswerPlan {
  conversation: Conversation;
  calls: Syntax['calls'];
  thoughts: Syntax['thoughts'];
  /** What is said is held to this; null: it is free. */
  schema: JsonSchema | null;
  /** Functions that are called in the model's own dialect; null: none are. */
  own: OwnCalls | null;
}

export interface OwnCalls {
  tools: readonly Tool[];
  /** Null: this dialect is not held to a grammar. */
  frame: CallFrame | null;
  /** It has to begin with a call. */
  isForced: boolean;
  parallel: boolean;
}

type Asked = Pick<GenerateRequest, 'turns' | 'task' | 'schema' | 'tools' | 'thinking'>;

/** `generic`: plans the generic form. Rejects with what that rejects with, and bad_schema. */
export async function planAnswer(
  traits: Traits,
  { turns, task, schema, tools, thinking }: Asked,
  generic: (tools: Tools, said: string | undefined) => Promise<GenericForm>,
): Promise<AnswerPlan> {
  const { thoughts } = traits;
  const isHarmony = traits.tools?.calls === 'harmony';
  const held = { schema: schema ?? null, own: null };
  if (task === 'completion') return { ...held, conversation: { turns }, calls: 'none', thoughts: null };
  if (tools === undefined) {
    const hasForm = schema !== undefined;
    // What harmony says in its last channel is the whole text only if nothing comes before it.
    const silent = isHarmony && hasForm ? { on: false } : thinking;
    const conversation = { turns, thinking: silent, thinksFirst: hasForm };
    return { ...held, conversation, calls: isHarmony && !hasForm ? 'harmony' : 'none', thoughts };
  }
  const { said, ...offered } = tools;
  const isForced = offered.choice !== 'auto';
  const own = traits.tools;
  if (own !== null && said === undefined && (!isForced || own.frame !== null)) {
    const callable = callableOf(toolsOf(offered), offered.choice);
    const parallel = offered.parallel && typeof offered.choice === 'string';
    return {
      conversation: { turns, tools: offered, thinking, thinksFirst: isForced },
      calls: own.calls,
      thoughts,
      schema: null,
      own: { tools: callable, frame: own.frame, isForced, parallel },
    };
  }
  const form = genericRequest(turns, await generic(offered, said));
  return {
    conversation: {
      turns: form.turns,
      thinking: isHarmony ? { on: false } : thinking,
      inForm: true,
      thinksFirst: true,
    },
    calls: 'generic',
    thoughts,
    schema: form.schema,
    own: null,
  };
}

/** The syntax of the text that follows this prompt. */
export function syntaxAfter(prompt: string, traits: Traits, { calls, thoughts }: AnswerPlan): Syntax {
  return { calls, thoughts, begun: thoughts !== null && endsInThoughts(prompt, traits) };
}
