/** The words beside the name of an answer's writer. */
import { aboutHowLong, queuePosition } from '../../../state/chat/queue-position.ts';
import type { Answer } from '../../../state/chat/turn.ts';
import { speed } from '../../parts/format.ts';

/** `named`: a name stands before the words. `getting`: this device is downloading the model. */
export function answerDoing(answer: Answer, named: boolean, getting: boolean): string {
  const model = answer.model?.name ?? /* @wc-include */ 'a model';
  switch (answer.state) {
    case 'looking':
      if (answer.scope === 'device') return getting ? `is getting ${model}` : `is loading ${model}`;
      if (answer.left) return 'left · looking for somebody to continue';
      if (goesOn(answer)) return 'is asked to continue';
      if (answer.text !== '') return 'wrote this · looking for somebody to continue';
      return named ? 'is asked' : `Looking for a volunteer with ${model}`;
    case 'queued': {
      const place = [queuePosition(answer.ahead), aboutHowLong(answer.estimateMs)];
      const words = place.filter((part) => part !== null).join(', ');
      return answer.left ? `left · ${words}, to continue` : `wrote this · ${words}, to continue`;
    }
    case 'reading':
      return answer.left ? 'left · somebody else reads it, to continue' : 'is reading';
    case 'writing': {
      const doing = answer.thought?.isThinking === true ? 'is thinking' : 'is writing';
      return answer.tokensPerSecond === null ? doing : `${doing} · ${speed(answer.tokensPerSecond)}`;
    }
    case 'failed':
      if (answer.error?.code === 'provider_lost') return /* @wc-include */ 'left';
      if (answer.text !== '') return /* @wc-include */ 'interrupted';
      return named ? 'no reply' : 'Not sent';
    case 'waiting':
    case 'stopped':
    case 'interrupted':
    case 'done':
      if (answer.edited) return 'edited this';
      return answer.text === '' ? 'no reply' : /* @wc-include */ 'wrote';
    default:
      return answer.state satisfies never;
  }
}

/** Was somebody asked to continue from here? */
function goesOn({ seams, tokens }: Answer): boolean {
  const last = seams.at(-1);
  return last?.continued === true && last.atToken === tokens;
}
