/** The turns of one conversation, as this tab keeps them: added, written and taken out by operations on their records. */
import { draftKey, type Talk, type TurnPlace } from '../kept-conversation.ts';
import type { Locks, Release } from '../../locks.ts';
import { attachedKey } from '../files/question-file.ts';
import { plain, type TurnList } from '../turn-list.svelte.ts';
import { isRunning, type Answer, type ShownTurn } from '../turn.ts';
import { answerLock } from './answer-watch.ts';
import type { TalkRecords } from './talk-records.ts';
import type { TakenOut } from './taken-out.ts';
import type { Clock } from '@llmesh/core/base/clock';

/** How often another tab may just be looking whether the writer of an answer is there, when this one wants to have it written. */
const TRIES = 5;
const TRY_AGAIN_MS = 40;

export interface KeptTurnsNeeds {
  clock: Clock;
  records: TalkRecords;
  locks: Locks;
  failed: (error: unknown) => void;
}

export class KeptTurns {
  readonly #id: string;
  readonly #list: TurnList;
  readonly #about: () => Pick<Talk, 'title' | 'scope' | 'models' | 'asking'>;
  readonly #needs: KeptTurnsNeeds;
  /** Whether there is a record of the conversation, as far as this tab knows. */
  #isKept: boolean;
  /** Turns that were taken back before they were kept. */
  readonly #taken = new Set<string>();
  /** Turns are added one after the other; what changes them waits until they are there. */
  #adding: Promise<boolean> = Promise.resolve(true);

  /** `about`: what the record of the conversation says besides its turns. */
  constructor(
    {
      id,
      list,
      about,
      isKept,
    }: {
      id: string;
      list: TurnList;
      about: () => Pick<Talk, 'title' | 'scope' | 'models' | 'asking'>;
      isKept: boolean;
    },
    needs: KeptTurnsNeeds,
  ) {
    this.#id = id;
    this.#list = list;
    this.#about = about;
    this.#isKept = isKept;
    this.#needs = needs;
  }

  get isKept(): boolean {
    return this.#isKept;
  }

  /** Resolves when all that was asked is kept, as far as the browser does. */
  async settled(): Promise<void> {
    await this.#adding;
  }

  /** Keeps what was asked. False: the conversation was deleted by another tab. */
  add(): Promise<boolean> {
    this.#adding = this.#adding.then(() => this.#add());
    return this.#adding;
  }

  /** Keeps a resting answer as it is shown, unless another tab has it written. */
  async write(id: string): Promise<void> {
    const answer = this.#list.answer(id);
    if (answer === null) return;
    await this.#update(plain(answer), (there) => !isRunning(there));
  }

  /** The lock of an answer; null: another tab has it written. */
  async lock(id: string): Promise<Release | null> {
    const { locks, clock, failed } = this.#needs;
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await new Promise<void>((resolve) => clock.after(TRY_AGAIN_MS, resolve));
      try {
        const release = await locks.tryHold(answerLock(id));
        if (release !== null) return release;
      } catch (error) {
        // Where nothing is kept, nobody else can have it either.
        failed(error);
        return () => {};
      }
    }
    return null;
  }

  /** Under its lock: makes the answer this one, if it `may` be. False: it is shown as it is now. */
  async claim(asked: Answer, may: (there: Answer) => boolean): Promise<boolean> {
    return this.#update(asked, may);
  }

  /** Takes turns out; one that is not kept yet as soon as it is. Resolves with what is needed to bring them back; null: nothing was kept. */
  async takeOut(ids: readonly string[]): Promise<TakenOut | null> {
    const places = ids.map((id) => ({ id, order: this.#list.orderOf(id) }));
    this.#list.remove(ids);
    for (const id of ids) this.#taken.add(id);
    return this.#takeOut(places.filter((place): place is TurnPlace => place.order !== null));
  }

  /** Brings turns back that were taken out. */
  async putBack(taken: TakenOut): Promise<void> {
    for (const { turn } of taken.turns) this.#taken.delete(turn.id);
    this.#isKept = true;
    await this.#needs.records.putBack(taken);
  }

  /** Shows the branch that ends with this turn, in all tabs. */
  async showBranch(tip: string): Promise<void> {
    await this.#adding;
    if (this.#isKept) await this.#needs.records.showBranch(this.#id, tip);
  }

  /** Keeps what was chosen. */
  async choose(): Promise<void> {
    await this.#adding;
    const { scope, models } = this.#about();
    if (this.#isKept) await this.#needs.records.choose(this.#id, { scope, models });
  }

  /** Keeps how its questions are asked. */
  async chooseAsking(): Promise<void> {
    await this.#adding;
    if (this.#isKept) await this.#needs.records.choose(this.#id, { asking: this.#about().asking });
  }

  isTaken(id: string): boolean {
    return this.#taken.has(id);
  }

  async #add(): Promise<boolean> {
    const turns = this.#list.unkept;
    if (turns.length === 0) return true;
    const { records } = this.#needs;
    const about = { id: this.#id, ...this.#about(), turns };
    // What branches off was not written in the box.
    const sent = turns.every(({ after }) => after === undefined)
      ? [draftKey(this.#id), ...attached(this.#id, turns)]
      : [];
    const added = await records.append(about, !this.#isKept, sent);
    if (added === 'gone') return false;
    if (added === 'not kept') return true;
    this.#isKept = true;
    turns.forEach(({ id }, i) => this.#list.place(id, added.orders[i]!));
    const places = turns.map(({ id }, i) => ({ id, order: added.orders[i]! }));
    await this.#takeOut(places.filter(({ id }) => this.#taken.has(id)));
    return true;
  }

  async #takeOut(places: readonly TurnPlace[]): Promise<TakenOut | null> {
    if (places.length === 0) return null;
    // With the last of its turns the conversation goes, and what is asked next begins it anew.
    if (this.#list.known.length === 0) this.#isKept = false;
    return this.#needs.records.takeOut(this.#id, places, this.#about().title);
  }

  /** False: it was not written, and is shown as it is kept. */
  async #update(answer: Answer, may: (there: Answer) => boolean): Promise<boolean> {
    await this.#adding;
    const order = this.#list.orderOf(answer.id);
    // The browser did not keep it: there is nobody to agree with.
    if (order === null) return true;
    const { kept, wrote, present } = await this.#needs.records.update(this.#id, { id: answer.id, order }, (there) =>
      may(there) ? answer : null,
    );
    if (!kept || wrote) return true;
    if (present !== null) this.#list.put(present);
    return false;
  }
}

/** The records of what was in the box with these. */
function attached(talk: string, turns: readonly ShownTurn[]): string[] {
  return turns.flatMap((turn) =>
    turn.role === 'user' ? (turn.files ?? []).map(({ id }) => attachedKey(talk, id)) : [],
  );
}
