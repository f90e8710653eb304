/** A title in a few words, by the model that gave the first answer: a small question of its own, where the person lets it. */
import type { AskRequest } from '@llmesh/core/ask/answer';
import { asLabel } from '@llmesh/core/base/label';
import type { Ask } from '../../ask.ts';
import type { Settings } from '../../settings.svelte.ts';
import { TINY_MODEL } from '../../tiny-model.ts';
import type { Trusted } from '../../trust/trusted.svelte.ts';
import type { Conversations } from '../conversations.svelte.ts';
import { saidOf, type Answer, type AskedModel } from '../turn.ts';

/** Of what was asked and said, so much is shown to it. */
const MOST_SHOWN = 1_200;
const MOST_TOKENS = 24;
const LONGEST = 60;

export interface TitlingNeeds {
  conversations: Conversations;
  ask: Ask;
  /** Asks this device. */
  askHere: Ask;
  settings: Pick<Settings, 'titles'>;
  trusted: Pick<Trusted, 'peers'>;
  /** Whether questions to the mesh cost credits. */
  costs: () => boolean;
}

/**
 * Names the conversation after its first answer. It is not done where it would cost credits, by models that think first (they would think
 * longer than the title is worth), nor where the person has named it. Rejects as asking does.
 */
export async function entitle(talk: string, answer: Answer, needs: TitlingNeeds, signal: AbortSignal): Promise<void> {
  const { conversations, settings, costs } = needs;
  const { model, scope, thought, state } = answer;
  const about = conversations.talk(talk);
  if (!settings.titles || state !== 'done' || model === null || thought !== null || model.id === TINY_MODEL) return;
  if (about === null || about.named || (scope !== 'device' && costs())) return;
  const turns = await conversations.turns(talk);
  const [question, ...others] = turns.map(({ turn }) => turn);
  if (question?.role !== 'user' || others.length !== 1) return;
  const ask = scope === 'device' ? needs.askHere : needs.ask;
  let text = '';
  for await (const event of ask(requestFor(question.text, answer, model, needs), signal)) {
    if (event.type === 'piece') text += event.text;
  }
  const title = titleIn(text);
  if (title !== '') await conversations.records.entitle(talk, title);
}

/** What is a title of what the model wrote; empty: nothing. */
export function titleIn(text: string): string {
  const line = text.trim().split('\n', 1)[0] ?? '';
  const bare = line.replace(/^(?:#+|title:|\*\*)\s*/i, '').replaceAll(/^["'“”„«»*]+|["'“”„«»*.]+$/gu, '');
  return asLabel(bare, LONGEST);
}

function requestFor(
  question: string,
  answer: Answer,
  { id: model, sha256 }: AskedModel,
  { trusted }: TitlingNeeds,
): AskRequest {
  // A model reads it, in whatever language the page is.
  const content =
    /* @wc-ignore */ 'Give the following exchange a title of at most six words, in the language of the question. Answer with the title only.\n\n' +
    `Question:\n${question.slice(0, MOST_SHOWN)}\n\nAnswer:\n${saidOf(answer).slice(0, MOST_SHOWN)}`;
  return {
    model,
    ...(sha256 !== undefined && { sha256 }),
    only: answer.scope === 'trusted' ? trusted.peers : null,
    turns: [{ role: 'user', content }],
    sampling: { temperature: 0 },
    maxTokens: MOST_TOKENS,
    // Whoever has read the exchange reads it again, and nobody else if that can be.
    prefer: answer.provider,
    hedge: false,
    copies: 1,
    prefix: null,
  };
}
