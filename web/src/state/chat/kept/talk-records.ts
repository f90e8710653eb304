/**
 * The records of all conversations, shared by the tabs of this browser. Every change is an operation on what is there at that
 * moment: no tab writes back what it once read, and what was deleted stays deleted.
 */
import { placedAfter } from '../branches/branches.ts';
import {
  draftKey,
  hasFiles,
  DRAFTS,
  isNewer,
  mayHaveFiles,
  newTalk,
  parseTalk,
  parseTurn,
  placeOf,
  richer,
  talkFrom,
  talkKey,
  TALKS,
  turnKey,
  TURNS,
  turnsOf,
  type KeptTurn,
  type Talk,
  type TurnPlace,
} from '../kept-conversation.ts';
import type { Entry, Reads, Store } from '../../store.ts';
import { ATTACHED, attachedOf } from '../files/question-file.ts';
import { isRunning, type Answer, type ShownTurn } from '../turn.ts';
import { broughtBack, readsOf, takenOut, type TakenOut } from './taken-out.ts';
import { readAll, readFromEnd, turnsIn, type ReadTurns } from './turn-reader.ts';

export interface TalkRecordsNeeds {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Something could not be kept; null: it can be again. */
  failed: (error: unknown) => void;
  kept: () => void;
}

/** What a conversation says of itself with each question. */
export type NewTurns = Pick<Talk, 'id' | 'title' | 'scope' | 'models' | 'asking'> & { turns: readonly ShownTurn[] };

/**
 * kept, with the orders of the turns · gone: another tab has deleted the conversation · not kept: the browser did not, and it has
 * been told to `failed`.
 */
export type Appended = { orders: readonly number[] } | 'gone' | 'not kept';

/** `present`: the answer as it is kept now; null: it is not there any more. `kept`: false where the browser could not. */
export interface Updated {
  kept: boolean;
  present: Answer | null;
  wrote: boolean;
}

/** What was deleted, to be brought back as it was. */
export interface Removed {
  talk: Talk;
  entries: readonly Entry[];
}

type Present = ReadonlyMap<string, unknown>;
/** `turn`: null when it is gone. */
type TakeTurn = (talk: string, order: number, turn: ShownTurn | null) => void;

export interface Followers {
  /** The entries of conversations; `whole`: there are no others. */
  talks: (entries: readonly { id: string; talk: Talk | null }[], whole: boolean) => void;
  turn: TakeTurn;
  /** This tab slept: all that there is now. */
  allTurns: (turns: ReadonlyMap<string, readonly KeptTurn[]>) => void;
}

export class TalkRecords {
  readonly #needs: TalkRecordsNeeds;
  #followers: Followers | null = null;
  /** What has been asked of the store and is not done. */
  readonly #pending = new Set<Promise<unknown>>();

  constructor(needs: TalkRecordsNeeds) {
    this.#needs = needs;
  }

  /** Tells what any tab changes, this one too. */
  follow(followers: Followers): void {
    const { store } = this.#needs;
    this.#followers = followers;
    store.follow(TALKS, (entries, whole) => this.#tellTalks(entries, whole));
    store.follow(TURNS, (entries, whole) => {
      if (whole) followers.allTurns(byTalk(entries));
      else this.#tellTurns(entries);
    });
  }

  async talks(): Promise<Talk[]> {
    const entries = await this.#needs.store.list(TALKS);
    const talks = entries.map(async ([key, value]) => parseTalk(value) ?? (await this.#mend(key, value)));
    return (await Promise.all(talks)).filter((talk) => talk !== null);
  }

  turns(talk: string): Promise<KeptTurn[]> {
    return readAll(this.#needs.store, talk);
  }

  lastTurns(talk: Talk): Promise<ReadTurns> {
    return readFromEnd(this.#needs.store, talk);
  }

  /** Adds turns behind all that are there, in the order of asking, whoever asks. `fresh`: nothing of the conversation was kept before. */
  async append(
    { id, title, scope, models, asking, turns }: NewTurns,
    fresh: boolean,
    done: readonly string[],
  ): Promise<Appended> {
    const key = talkKey(id);
    let orders: number[] | null = null;
    const kept = await this.#change({ keys: [key] }, (present) => {
      const known = parseTalk(present.get(key));
      const there = known ?? (fresh ? { ...newTalk(id, title, this.#needs.now()), asking } : null);
      if (there === null) return [];
      orders = turns.map((_, i) => there.next + i);
      const { placed, tip } = placedAfter(turns, there.tip);
      const about = { scope, models, next: there.next + turns.length, updatedAt: this.#needs.now() };
      const talk = { ...there, ...about, ...richer(tip, there.asking, mayHaveFiles(there) || turns.some(hasFiles)) };
      const waiting = orders.filter((_, i) => isWaiting(turns[i]!));
      return [
        [key, { ...talk, waiting: [...talk.waiting, ...waiting] }],
        ...placed.map((turn, i): Entry => [turnKey(id, there.next + i), turn]),
        ...done.map((gone): Entry => [gone, undefined]),
      ];
    });
    if (!kept) {
      // For as long as the page is open, it is in the list.
      const shown = { ...newTalk(id, title, this.#needs.now()), scope, models };
      if (fresh) this.#followers?.talks([{ id, talk: shown }], false);
      return 'not kept';
    }
    return orders === null ? 'gone' : { orders };
  }

  /**
   * Changes an answer as it is kept now: `by` returns what it is from now on, or null to leave it. Nothing is written where the
   * answer or its conversation is gone, or another has its place by now.
   */
  async update(talk: string, { id, order }: TurnPlace, by: (present: Answer) => Answer | null): Promise<Updated> {
    const [key, turn] = [talkKey(talk), turnKey(talk, order)];
    let present: Answer | null = null;
    let wrote = false;
    const kept = await this.#change({ keys: [key, turn] }, (records) => {
      const there = parseTalk(records.get(key));
      const answer = parseTurn(records.get(turn));
      if (there === null || answer?.role !== 'assistant' || answer.id !== id) return [];
      present = answer;
      const changed = by(answer);
      if (changed === null) return [];
      // Another tab may have taken out what it followed.
      const { after: _, ...rest } = changed;
      const next = { ...rest, ...(answer.after !== undefined && { after: answer.after }) };
      present = next;
      wrote = true;
      return [[turn, next], ...talkAfter(there, order, answer, next, this.#needs.now())];
    });
    return { kept, present, wrote };
  }

  /** Notes what was chosen in a conversation, or of it. */
  async choose(
    id: string,
    chosen: Partial<Pick<Talk, 'scope' | 'models' | 'title' | 'named' | 'pinned' | 'asking'>>,
  ): Promise<void> {
    await this.#changeTalk(id, (talk) => ({
      ...talk,
      ...chosen,
      ...richer(talk.tip, chosen.asking === undefined ? talk.asking : chosen.asking, mayHaveFiles(talk)),
    }));
  }

  /** Gives it a title, unless its person has named it meanwhile. */
  async entitle(id: string, title: string): Promise<void> {
    await this.#changeTalk(id, (talk) => (talk.named ? null : { ...talk, title, named: true }));
  }

  /** Shows the branch that ends with this turn, in all tabs. */
  async showBranch(id: string, tip: string): Promise<void> {
    await this.#changeTalk(id, (talk) => (talk.tip === null ? null : { ...talk, tip }));
  }

  /**
   * Takes turns out; with the last of them, the conversation. What followed them follows what came before. `title`: that of what is left.
   * Resolves with what is needed to bring them back; null: they were gone.
   */
  async takeOut(id: string, turns: readonly TurnPlace[], title: string): Promise<TakenOut | null> {
    let taken: TakenOut | null = null;
    await this.#change({ keys: [talkKey(id)], prefixes: [turnsOf(id)] }, (present) => {
      const out = takenOut(present, id, turns, title);
      taken = out.taken;
      return out.entries;
    });
    return taken;
  }

  /** Brings back what was taken out, to where it was. */
  async putBack(taken: TakenOut): Promise<void> {
    await this.#change(readsOf(taken), (present) => broughtBack(present, taken));
  }

  /** Deletes a conversation. `latest`: a turn as this tab knows it. Resolves with what is needed to bring it back; null: it was gone. */
  async remove(id: string, latest: (turn: ShownTurn) => ShownTurn): Promise<Removed | null> {
    const key = talkKey(id);
    let removed: Removed | null = null;
    await this.#change({ keys: [key, draftKey(id)], prefixes: [turnsOf(id), attachedOf(id)] }, (present) => {
      const talk = parseTalk(present.get(key));
      if (talk !== null) {
        const entries = [...present].map(([name, value]): Entry => {
          const turn = name === key ? null : parseTurn(value);
          return [name, turn === null ? value : latest(turn)];
        });
        removed = { talk, entries };
      }
      return [...present.keys()].map((name): Entry => [name, undefined]);
    });
    return removed;
  }

  /** Brings in what is not there, as what was deleted and has not come back already. False: the browser did not keep it. */
  restore(removed: readonly Removed[]): Promise<boolean> {
    const keys = removed.map(({ talk }) => talkKey(talk.id));
    return this.#change({ keys }, (present) =>
      removed.flatMap(({ entries }, i) => (present.has(keys[i]!) ? [] : entries)),
    );
  }

  /** Forgets all conversations, drafts and what was attached to them. */
  async clear(): Promise<void> {
    await this.#change({ prefixes: [TALKS, TURNS, DRAFTS, ATTACHED] }, (present) =>
      [...present.keys()].map((key): Entry => [key, undefined]),
    );
  }

  /** The turns of a conversation whose own record is damaged are worth a new one. null: it is one of a newer page. */
  async #mend(key: string, value: unknown): Promise<Talk | null> {
    if (isNewer(value)) return null;
    const id = key.slice(TALKS.length);
    let talk: Talk | null = null;
    await this.#change({ keys: [key], prefixes: [turnsOf(id)] }, (present) => {
      talk = parseTalk(present.get(key)) ?? talkFrom(id, turnsIn([...present]), this.#needs.now());
      return [[key, talk]];
    });
    return talk;
  }

  /** Resolves when all that was begun is done. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
  }

  async #changeTalk(id: string, by: (talk: Talk) => Talk | null): Promise<void> {
    const key = talkKey(id);
    await this.#change({ keys: [key] }, (present) => {
      const talk = parseTalk(present.get(key));
      const changed = talk === null ? null : by(talk);
      return changed === null ? [] : [[key, changed]];
    });
  }

  /** False: the browser did not keep it. What was written is told as it would be to any other tab. */
  async #change(reads: Reads, by: (present: Present) => readonly Entry[]): Promise<boolean> {
    const changing = this.#needs.store.change(reads, by);
    this.#pending.add(changing);
    try {
      const written = await changing;
      this.#needs.kept();
      this.#tellTalks(
        written.filter(([key]) => key.startsWith(TALKS)),
        false,
      );
      this.#tellTurns(written);
      return true;
    } catch (error) {
      this.#needs.failed(error);
      return false;
    } finally {
      this.#pending.delete(changing);
    }
  }

  #tellTalks(entries: readonly Entry[], whole: boolean): void {
    if (entries.length === 0 && !whole) return;
    const talks = entries.map(([key, value]) => ({ id: key.slice(TALKS.length), talk: parseTalk(value) }));
    this.#followers?.talks(talks, whole);
  }

  #tellTurns(entries: readonly Entry[]): void {
    for (const [key, value] of entries) {
      const place = placeOf(key);
      if (place === null) continue;
      const turn = value === undefined ? null : parseTurn(value);
      if (value === undefined || turn !== null) this.#followers?.turn(place.talk, place.order, turn);
    }
  }
}

function byTalk(entries: readonly Entry[]): Map<string, KeptTurn[]> {
  const found = new Map<string, KeptTurn[]>();
  for (const [key, value] of entries) {
    const place = placeOf(key);
    const turn = parseTurn(value);
    if (place === null || turn === null) continue;
    const turns = found.get(place.talk) ?? [];
    turns.push({ order: place.order, turn });
    found.set(place.talk, turns);
  }
  return found;
}

/** Words that come change nothing of the conversation, nor does somebody who finds that its page was closed. */
function talkAfter(talk: Talk, order: number, before: Answer, after: Answer, now: number): Entry[] {
  if (isRunning(before) && (isRunning(after) || after.state === 'interrupted')) return [];
  const others = talk.waiting.filter((one) => one !== order);
  const waiting = isWaiting(after) ? [...others, order] : others;
  return [[talkKey(talk.id), { ...talk, waiting, updatedAt: now }]];
}

function isWaiting(turn: ShownTurn): boolean {
  return turn.role === 'assistant' && turn.state === 'waiting';
}
