/** What can be done about a question that is not answered, or about an answer that is not whole: the most helpful first. */
import type { ErrorCode } from '@llmesh/core/base/errors';
import type { Conversation } from '../../../state/chat/conversation.svelte.ts';
import { canGoOn, isCutAtLimit, type Answer, type AskedModel } from '../../../state/chat/turn.ts';
import type { Scope } from '../../../state/scope.ts';
import type { ChatPageState } from '../chat-page-state.ts';

export interface Way {
  words: string;
  /** An address, or what a press does. */
  to: string | (() => unknown);
  /** It has to wait for the answer that is being written. */
  held?: boolean;
}

/** The same question would fail in the same way. */
const FAILS_AGAIN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(['prompt_too_long', 'message_too_large', 'empty_prompt', 'too_few_tokens'] as const),
  ...(['unsupported', 'bad_schema', 'version_mismatch', 'webgpu_absent', 'question_breaks'] as const),
]);

/** For an answer that was stopped, broke off, failed, or was cut; nothing for a whole one. `last`: nothing comes after it. */
export function waysOn(answer: Answer, conversation: Conversation, app: ChatPageState, last: boolean): Way[] {
  const held = conversation.running !== null;
  const failed = answer.state === 'failed' || (answer.state === 'interrupted' && answer.text === '');
  const code = answer.error?.code ?? null;
  const missing = conversation.missing(answer.id);
  const refused = code === 'busy';
  const goOn = canGoOn(answer) && missing === null && !fillsItsModel(answer, conversation);
  const wait = answer.scope !== 'device' && (refused || missing !== null) && (failed || canGoOn(answer));
  const tooLong = code === 'prompt_too_long';

  const ways: Way[] = [];
  const add = (words: string, to: () => unknown, needsTurn = true) => ways.push({ words, to, held: held && needsTurn });
  const again = () => add('Try again', () => conversation.again(answer.id));
  const edit = () => last && add('Edit the question', () => app.chat.edit(answer.id), false);
  const repeatable = failed && (code === null || !FAILS_AGAIN.has(code));

  if (goOn) add('Continue', () => conversation.goOn(answer.id));
  if (wait) add(refused ? 'Join the queue' : 'Wait for a volunteer', () => conversation.waitFor(answer.id), false);
  if (!failed) return ways;
  if (repeatable && !wait) again();
  if (tooLong) edit();
  if (code === 'credits_short') ways.push({ words: 'Lend this computer to earn credits', to: '/donate' });
  const [other, ...elsewhere] = otherWays(answer, conversation, app);
  if (other !== undefined) ways.push(other);
  if (repeatable && wait) again();
  if (!tooLong) edit();
  return [...ways, ...elsewhere];
}

/** Did it fill the memory of its model with its question alone? Then nothing could be left out for its rest. */
function fillsItsModel(answer: Answer, { turns }: Conversation): boolean {
  return answer.state === 'done' && !isCutAtLimit(answer) && turns[1]?.id === answer.id;
}

/** For a question that waits: another model, this device, or anyone. None goes to more people than its words say. */
export function otherWays(answer: Answer, conversation: Conversation, app: ChatPageState): Way[] {
  const held = conversation.running !== null && conversation.running.id !== answer.id;
  const other = app.models.otherFor(answer.scope, answer.model?.id ?? null);
  const runsHere = answer.scope !== 'device' && (!app.local.known || app.local.chosen !== null);
  const halted = answer.state === 'waiting' || answer.state === 'failed';
  const ways: Way[] = [];
  if (other !== null)
    ways.push({ words: useWords(other, answer.scope), to: () => conversation.use(answer.id, other), held });
  if (runsHere)
    ways.push({ words: 'Run it on this device', to: () => conversation.useScope(answer.id, 'device'), held });
  if (answer.scope !== 'anyone' && halted)
    ways.push({ words: 'Ask anyone', to: () => conversation.useScope(answer.id, 'anyone'), held });
  return ways;
}

function useWords({ name }: AskedModel, scope: Scope): string {
  switch (scope) {
    case 'device':
      return `Use ${name} on this device`;
    case 'trusted':
      return `Use ${name}, somebody you trust has it`;
    case 'anyone':
      return `Use ${name}, free now`;
    default:
      return scope satisfies never;
  }
}
