/** Renders conversations by a chat template: here, or, for a template from anywhere, where it can be ended. */
import * as v from 'valibot';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import { promptOf, type Conversation } from '@llmesh/core/engine/chat-prompt';
import { CHATML_TEMPLATE, type TemplateTokens } from '@llmesh/core/engine/chat-template';
import { traitsOf, TraitsSchema, USUAL, type Traits } from '@llmesh/core/engine/chat-traits';
import { parsedJson } from '@llmesh/core/syntax/json-slices';
import { contained } from '../../contained/contained.ts';
import { ContainedFailure, type ContainedProcess } from '../../contained/contained-process.ts';

export interface ChatRenderer {
  traits: Traits;
  /** Resolves with one text for each conversation. Rejects with model_unreadable, or busy. */
  render: (conversations: readonly Conversation[]) => Promise<readonly string[]>;
}

/** `template`: the one in the model's file. `isKnown`: the catalogue names the checksum of the file. Rejects like `render`. */
export async function rendererOf(template: unknown, isKnown: boolean, tokens: TemplateTokens): Promise<ChatRenderer> {
  if (typeof template !== 'string') return rendersHere(CHATML_TEMPLATE, tokens);
  return isKnown ? rendersHere(template, tokens) : rendersContained(template, tokens, contained.templates);
}

/** Renders known templates in this process. */
export function rendersHere(template: string, tokens: TemplateTokens): ChatRenderer {
  const traits = traitsOf(template, tokens);
  return {
    traits,
    render: async (conversations) => conversations.map((one) => promptOf(template, traits, one, tokens)),
  };
}

export async function rendersContained(
  template: string,
  tokens: TemplateTokens,
  process: Pick<ContainedProcess, 'run'>,
): Promise<ChatRenderer> {
  const traits = await probed(template, tokens, process);
  return {
    traits,
    render: async (conversations) => {
      try {
        const texts = await process.run({ kind: 'render', template, traits, conversations, tokens });
        if (texts.length === conversations.length) return texts;
        throw new MeshError('engine_failed', 'The model failed at this conversation. Ask again.');
      } catch (thrown) {
        throw thrown instanceof ContainedFailure
          ? failure(thrown)
          : asMeshError(thrown, 'engine_failed', String(thrown));
      }
    },
  };
}

/** A template that cannot be tried has the usual traits, and fails when it is used. */
async function probed(
  template: string,
  tokens: TemplateTokens,
  process: Pick<ContainedProcess, 'run'>,
): Promise<Traits> {
  try {
    const [json = ''] = await process.run({ kind: 'probe', template, tokens });
    const { success, output } = v.safeParse(TraitsSchema, parsedJson(json));
    return success ? output : USUAL;
  } catch (thrown) {
    if (thrown instanceof ContainedFailure || thrown instanceof MeshError) return USUAL;
    throw thrown;
  }
}

function failure(cause: ContainedFailure): MeshError {
  if (cause.why === 'not_started' || cause.why === 'too_long') {
    return new MeshError('busy', 'This volunteer could not read the conversation in time. Ask again.', { cause });
  }
  return new MeshError(
    'model_unreadable',
    'The chat template of this model needs too much for this conversation. Choose another model.',
    { cause },
  );
}
