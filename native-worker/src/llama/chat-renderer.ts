/** Renders conversations by a chat template: here, or, for a template from anywhere, where it can be ended. */
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { Turn } from '@llmesh/core/protocol';
import { contained } from '../contained/contained.ts';
import { ContainedFailure, type ContainedProcess } from '../contained/contained-process.ts';
import type { TemplateTokens } from '../contained/jobs.ts';
import { CHATML_TEMPLATE, renderChat } from '@llmesh/core/engine/chat-template';

/** Resolves with one text for each conversation. Rejects with model_unreadable, or busy. */
export type ChatRenderer = (
  conversations: readonly (readonly Turn[])[],
  tokens: TemplateTokens,
) => Promise<readonly string[]>;

/** `template`: the one in the model's file. `isKnown`: the catalogue names the checksum of the file. */
export function rendererOf(template: unknown, isKnown: boolean): ChatRenderer {
  if (typeof template !== 'string') return rendersHere(CHATML_TEMPLATE);
  return isKnown ? rendersHere(template) : rendersContained(template, contained.templates);
}

/** Renders known templates in this process. */
export function rendersHere(template: string): ChatRenderer {
  return async (conversations, tokens) => conversations.map((turns) => renderChat(template, turns, tokens));
}

export function rendersContained(template: string, process: Pick<ContainedProcess, 'run'>): ChatRenderer {
  return async (conversations, tokens) => {
    try {
      const texts = await process.run({ kind: 'render', template, conversations, tokens });
      if (texts.length === conversations.length) return texts;
      throw new MeshError('engine_failed', 'The model failed at this conversation. Ask again.');
    } catch (thrown) {
      throw thrown instanceof ContainedFailure ? failure(thrown) : asMeshError(thrown, 'engine_failed', String(thrown));
    }
  };
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
