/** Asks again with less of what came before, where a provider says that it was too long: our estimate of its tokens was wrong. */
import { locale } from '../../../language/languages.ts';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import { MeshError } from '@llmesh/core/base/errors';
import type { Turn } from '@llmesh/core/protocol';
import { MAX_PROMPT_BYTES } from '@llmesh/core/wire/peer-limits';
import type { Ask } from '../../ask.ts';
import type { Scope } from '../../scope.ts';
import type { ModelMemories } from './model-memories.svelte.ts';
import { textSize } from './text-size.ts';
import { turnTokens, type Memory } from './window.ts';

/** After that the question itself is too long. */
const MOST_TRIES = 3;

export interface AskShorterNeeds {
  ask: Ask;
  memories: Pick<ModelMemories, 'of' | 'learn' | 'raise'>;
  /** Whose models these are. */
  scope: Scope;
}

export function askShorter({ ask, memories, scope }: AskShorterNeeds): Ask {
  return async function* (request, signal) {
    const { model: id, sha256 } = request;
    const memory = () => memories.of({ id, sha256 }, scope);
    let { turns } = request;
    let { contextTokens } = memory();
    for (let tries = 1; ; tries++) {
      let begun = false;
      try {
        for await (const event of ask({ ...request, turns }, signal)) {
          begun ||= event.type === 'piece';
          if (event.type === 'provider') contextTokens = event.candidate.model.contextTokens;
          const counted = promptTokensOf(event);
          if (counted !== null) memories.learn(id, tokensOf(turns), counted);
          yield event;
        }
        return;
      } catch (thrown) {
        const tooLong = thrown instanceof MeshError && thrown.code === 'prompt_too_long' && !begun;
        if (!tooLong) throw thrown;
        const shorter = tries < MOST_TRIES ? halfOf(turns) : null;
        if (shorter === null) throw explained(thrown, request, { ...memory(), contextTokens });
        memories.raise(id);
        turns = shorter;
      }
    }
  };
}

/** The latest exchanges, with about half of the tokens; null: there is nothing that could be left out. */
function halfOf(turns: readonly Turn[]): Turn[] | null {
  const head = turns.filter(({ role }) => role === 'system');
  const said = turns.slice(head.length);
  if (said.length < 2) return null;
  const most = tokensOf(said.slice(0, -1)) / 2;
  let first = said.length - 1;
  for (let tokens = 0; first >= 2; first -= 2) {
    tokens += tokensOf(said.slice(first - 2, first));
    if (tokens > most) break;
  }
  return [...head, ...said.slice(first)];
}

function tokensOf(turns: readonly Turn[]): number {
  return turns.reduce((sum, { content }) => sum + textSize(content).tokens, 0);
}

function promptTokensOf(event: AnswerEvent): number | null {
  if (event.type === 'piece') return event.promptTokens ?? null;
  return event.type === 'done' ? event.summary.promptTokens : null;
}

/** Not even the last question alone fits, or what there is of its answer with it. */
function explained(cause: MeshError, { turns, prefix }: AskRequest, { contextTokens, scale }: Memory): MeshError {
  const question = turns.at(-1)?.content ?? '';
  if (textSize(question).bytes > MAX_PROMPT_BYTES) {
    const [has, most] = [textSize(question).bytes, MAX_PROMPT_BYTES].map((bytes) => count(bytes / 1000));
    return new MeshError('prompt_too_long', `This message has ${has} kB; at most ${most} kB can be sent. Shorten it.`);
  }
  const begun = prefix?.tokens ?? 0;
  const tokens = count(turnTokens(question, { scale }) + begun);
  const holds = contextTokens === null ? 'more than the model holds' : `and the model holds ${count(contextTokens)}`;
  const message =
    begun > 0
      ? `This answer and its question take about ${tokens} tokens, ${holds}. Ask for the rest in a new message.`
      : `This message takes about ${tokens} tokens, ${holds} together with its answer. Shorten it, or choose a model with more memory.`;
  return new MeshError('prompt_too_long', message, { cause });
}

function count(value: number): string {
  return value.toLocaleString(locale, { maximumFractionDigits: 0 });
}
