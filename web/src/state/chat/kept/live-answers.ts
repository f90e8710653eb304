/** What the tabs of a browser tell each other of answers that are being written: their words, sooner than they are kept; and Stop. */
import * as v from 'valibot';
import { parseTurn } from '../kept-conversation.ts';
import { isRunning, type Answer } from '../turn.ts';

/** A longer answer is seen when it is kept: each of these goes to every tab. */
const LONGEST_CHARS = 65_536;

/** Between the tabs of this browser. */
export interface TabChannel {
  tell(message: unknown): void;
  hear(take: (message: unknown) => void): void;
}

const MessageSchema = v.variant('type', [
  v.object({ type: v.literal('wrote'), talk: v.string(), answer: v.unknown() }),
  v.object({ type: v.literal('stop'), talk: v.string(), id: v.string() }),
]);

export interface Hearers {
  /** Another tab writes this answer, and is so far. */
  wrote: (talk: string, answer: Answer) => void;
  /** A person who looks at another tab wants this answer to stop. */
  stop: (talk: string, id: string) => void;
}

export class LiveAnswers {
  readonly #channel: TabChannel;

  constructor(channel: TabChannel) {
    this.#channel = channel;
  }

  hear({ wrote, stop }: Hearers): void {
    this.#channel.hear((message) => {
      // The other tab may have another version of this page.
      const { success, output } = v.safeParse(MessageSchema, message);
      if (!success) return;
      if (output.type === 'stop') return stop(output.talk, output.id);
      const answer = parseTurn(output.answer);
      if (answer?.role === 'assistant' && isRunning(answer)) wrote(output.talk, answer);
    });
  }

  tell(talk: string, answer: Answer): void {
    if (answer.text.length <= LONGEST_CHARS)
      this.#channel.tell({ type: 'wrote', talk, answer: { ...answer, ids: null } });
  }

  stop(talk: string, id: string): void {
    this.#channel.tell({ type: 'stop', talk, id });
  }
}
