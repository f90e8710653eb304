/** Takes conversations out of this browser as files, and brings in those of a file. */
import type { Conversations } from '../conversations.svelte.ts';
import { hasFiles, richer, talkKey, turnKey, type Talk } from '../kept-conversation.ts';
import { aboutOf } from './backup.ts';
import { CarryError, type CarriedTalk, type CarryOptions, type Incoming } from './carried-talk.ts';
import type { Removed } from '../kept/talk-records.ts';

/** So many are written at one go. */
const AT_ONE_GO = 50;

export interface BroughtIn {
  came: number;
  /** They were here already, and are as they were. */
  there: number;
  leftOut: number;
}

export class TalkCarrier {
  readonly #conversations: Conversations;

  constructor(conversations: Conversations) {
    this.#conversations = conversations;
  }

  /** All that is kept. Rejects with the reason of the signal. */
  async all({ signal, onProgress }: CarryOptions): Promise<CarriedTalk[]> {
    const { list } = this.#conversations;
    const carried: CarriedTalk[] = [];
    for (const [i, { id }] of list.entries()) {
      signal.throwIfAborted();
      onProgress(i / list.length);
      const one = await this.one(id);
      if (one !== null) carried.push(one);
    }
    return carried;
  }

  /** null: it is not there any more. */
  async one(id: string): Promise<CarriedTalk | null> {
    const turns = await this.#conversations.turns(id);
    const talk = this.#conversations.talk(id);
    return talk === null ? null : { talk: aboutOf(talk), turns: turns.map(({ turn }) => turn) };
  }

  /** Rejects with a CarryError where the browser keeps no more; what came until then stays. */
  async bringIn({ talks, leftOut }: Incoming, { signal, onProgress }: CarryOptions): Promise<BroughtIn> {
    const coming = talks.filter(({ talk }) => !this.#conversations.has(talk.id)).map(recordsOf);
    for (let at = 0; at < coming.length; at += AT_ONE_GO) {
      signal.throwIfAborted();
      onProgress(at / coming.length);
      if (!(await this.#conversations.records.restore(coming.slice(at, at + AT_ONE_GO)))) {
        const came = at === 0 ? 'Nothing came in.' : `The first ${at} came in.`;
        throw new CarryError(`This browser keeps no more. ${came} Delete some conversations, and try again.`);
      }
    }
    return { came: coming.length, there: talks.length - coming.length, leftOut };
  }
}

/** The records of a conversation that comes in, in the place of its turns. */
export function recordsOf({ talk, turns }: CarriedTalk): Removed {
  const record: Talk = {
    ...talk,
    ...richer(talk.tip, talk.asking, turns.some(hasFiles)),
    next: turns.length,
    waiting: [],
  };
  const entries = turns.map((turn, order) => [turnKey(talk.id, order), turn] as const);
  return { talk: record, entries: [[talkKey(talk.id), record], ...entries] };
}
