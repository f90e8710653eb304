/** What became of every question that was ever asked: the model that the records of the tabs are held against. */
import type { KeptRecords } from './talks-tabs.ts';

interface Asked {
  /** null: no tab said where, as it was closed before. */
  talk: string | null;
  /** The round in which it was asked. */
  round: number;
  there: boolean;
}

export class TalksLedger {
  readonly #asked = new Map<string, Asked>();
  #round = 0;
  /** The conversations in which something was deleted in this round; `all`: in any. */
  #deleted = new Set<string>();
  #undone = false;
  #killed = false;

  begin(): void {
    this.#round += 1;
    this.#deleted = new Set();
    this.#undone = false;
    this.#killed = false;
  }

  asked(question: string): void {
    this.#asked.set(question, { talk: null, round: this.#round, there: false });
  }

  /** Nothing was asked: an answer was being written there. */
  withdraw(question: string): void {
    this.#asked.get(question)!.round = -1;
  }

  /** The tab has kept it, or has been told that its conversation was deleted. */
  keptIn(question: string, talk: string): void {
    this.#asked.get(question)!.talk = talk;
  }

  deletedIn(talk: string): void {
    this.#deleted.add(talk);
  }

  undone(): void {
    this.#undone = true;
  }

  /** A tab was reloaded or killed: what it was just doing may or may not have been kept. */
  killed(): void {
    this.#killed = true;
  }

  get size(): number {
    return this.#asked.size;
  }

  /** What is wrong with what is kept at the end of a round; empty: nothing. */
  faults(kept: KeptRecords): string[] {
    const faults: string[] = [];
    const found = new Map<string, number>();
    const turns = kept.turns.map(({ key, turn }) => ({ talk: key.split('/')[1]!, turn }));
    for (const { talk, turn } of turns) {
      if (!kept.talks.includes(talk)) faults.push(`a turn of ${talk}, which is in no list`);
      if (turn.role === 'user') found.set(turn.text, (found.get(turn.text) ?? 0) + 1);
    }
    turns.forEach(({ talk, turn }, i) => {
      const after = turns[i + 1];
      if (turn.role === 'user' && (after?.talk !== talk || after.turn.role !== 'assistant'))
        faults.push(`${turn.text} has no answer`);
    });
    const ids = turns.map(({ turn }) => turn.id);
    if (new Set(ids).size !== ids.length) faults.push('a turn is there twice');
    for (const [question, asked] of this.#asked) {
      const times = found.get(question) ?? 0;
      if (times > 1) faults.push(`${question} is there ${times} times`);
      if (times === 0 && !this.#mayBeGone(asked)) faults.push(`${question} is lost`);
      if (times > 0 && !asked.there && asked.round !== this.#round && !this.#undone)
        faults.push(`${question} came back`);
      asked.there = times > 0;
      const talk = turns.find(({ turn }) => turn.text === question)?.talk;
      if (talk !== undefined) asked.talk = talk;
    }
    return faults;
  }

  #mayBeGone({ talk, round, there }: Asked): boolean {
    const isNew = round === this.#round;
    if (!there && !isNew) return true;
    if (this.#deleted.has('all') || (talk !== null && this.#deleted.has(talk))) return true;
    return isNew && (talk === null || this.#deleted.size > 0) && (this.#killed || this.#deleted.size > 0);
  }
}
