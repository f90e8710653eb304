/** What is asked of the mesh, or of this device, for one answer of a conversation. */
import type { PeerId } from '@llmesh/core/base/ids';
import { contextOf } from './context.ts';
import { lengthOf, samplingWith, type Asking } from './asking/asking.ts';
import type { Settings } from '../settings.svelte.ts';
import type { Trusted } from '../trust/trusted.svelte.ts';
import type { ModelMemories } from './context/model-memories.svelte.ts';
import { keptOf, writerOf, type Answer, type AskedModel, type ShownTurn } from './turn.ts';
import type { AskRequest } from '@llmesh/core/ask/answer';

export interface QuestionNeeds {
  settings: Settings;
  trusted: Trusted;
  memories: ModelMemories;
}

/** Continues what there is of the answer, which has a model by now. `turns`: the line that leads to it. */
export function questionFor(
  turns: readonly ShownTurn[],
  answer: Answer,
  { settings, trusted, memories }: QuestionNeeds,
  asking: Asking | null = null,
): AskRequest {
  const { id: model, sha256, adapter } = answer.model!;
  const only = answer.scope === 'trusted' ? trusted.peers : null;
  const before = turns.slice(
    0,
    turns.findIndex(({ id }) => id === answer.id),
  );
  return {
    model,
    ...(sha256 !== undefined && { sha256 }),
    ...(adapter !== undefined && { adapter: adapter.sha256, brings: adapter.content }),
    only,
    turns: contextOf(turns, answer.id, memories.of(answer.model, answer.scope), asking),
    sampling: samplingWith(settings.samplingFor(model), asking),
    maxTokens: lengthOf(asking),
    ...(asking !== null && asking.stop.length > 0 && { stop: asking.stop }),
    prefer: lastWriter(before, answer.model!, only),
    hedge: settings.hedge,
    copies: settings.fast ? 2 : 1,
    prefix: keptOf(answer),
  };
}

/** The last provider, if it used this model and may be asked now: it may still have the conversation in memory. */
function lastWriter(before: readonly ShownTurn[], model: AskedModel, only: readonly PeerId[] | null): PeerId | null {
  const last = before.findLast((turn) => turn.role === 'assistant' && turn.scope !== 'device' && turn.text !== '');
  if (last?.role !== 'assistant' || last.model?.id !== model.id || last.model.sha256 !== model.sha256) return null;
  const writer = writerOf(last);
  return writer !== null && (only?.includes(writer) ?? true) ? writer : null;
}
