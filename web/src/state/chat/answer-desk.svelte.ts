/** Where this tab has the answers of one conversation written: one at a time, and none that another tab has written. */
import type { Bill } from '@llmesh/core/ask/bill';
import { next } from './answer-change.ts';
import { AnswerRun, change, keepWaiting, type AnswerRunNeeds } from './answer-run.ts';
import type { Asking } from './asking/asking.ts';
import type { AnswerCheck } from './check/answer-check.ts';
import { AnswerKeeper } from './kept/answer-keeper.ts';
import type { KeptTurns } from './kept/kept-turns.ts';
import type { LiveAnswers } from './kept/live-answers.ts';
import type { TalkRecords } from './kept/talk-records.ts';
import type { Unfinished, UnfinishedAnswers } from './kept/unfinished.ts';
import type { Release } from '../locks.ts';
import { absentFor, missingFor } from './obstacles.ts';
import { questionFor, type QuestionNeeds } from './question.ts';
import type { Scope } from '../scope.ts';
import { MAX_TOKENS } from '../settings.svelte.ts';
import { plain, type TurnList } from './turn-list.svelte.ts';
import { isRunning, type Answer, type AskedModel, type Question } from './turn.ts';

export interface AnswerDeskNeeds extends AnswerRunNeeds, QuestionNeeds {
  records: TalkRecords;
  live: LiveAnswers;
  unfinished: UnfinishedAnswers;
  /** Hears of each answer that this tab has had written, once it is kept as it ended. */
  ended: (talk: string, answer: Answer) => void;
}

/** The conversation that it works for. */
export interface DeskOf {
  id: string;
  list: TurnList;
  kept: KeptTurns;
  /** null: there is none to ask. */
  modelFor: (scope: Scope) => AskedModel | null;
  /** How its questions are asked. */
  asking: () => Asking | null;
  /** Another tab deleted the conversation before this was asked in it. */
  gone: (question: Question) => void;
  /** Another tab has an answer written. */
  watch: () => void;
  /** Resolves when all turns are in the list. */
  whole: () => Promise<void>;
}

export interface Begin {
  /** Continue after what there is of it. */
  goOn?: boolean;
  /** Left out: the one of before. */
  scope?: Scope;
  /** Left out: the one of before. null: the one that is chosen for this scope now. */
  model?: AskedModel | null;
}

export class AnswerDesk {
  readonly #of: DeskOf;
  readonly #needs: AnswerDeskNeeds;
  #run = $state.raw<AnswerRun | null>(null);
  #keeper: AnswerKeeper | null = null;
  /** A kept question is about to be asked, if no other tab asks it. */
  #claiming = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(of: DeskOf, needs: AnswerDeskNeeds) {
    this.#of = of;
    this.#needs = needs;
  }

  get run(): AnswerRun | null {
    return this.#run;
  }

  /** Resolves when nothing is at work here, and how it ended is kept. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  stop(): void {
    this.#run?.stop();
  }

  /** What is written here is deleted: nothing of it is kept any more. */
  abandon(): void {
    this.#keeper?.abandon();
    this.stop();
  }

  /** The page is being closed or put to sleep. */
  flush(): void {
    this.#keeper?.flush();
  }

  /** The person asks for this answer, which is not being written. It is asked now, or kept until it can be. */
  begin(answer: Answer, { goOn = false, scope = answer.scope, model = answer.model }: Begin = {}): void {
    const { list, modelFor } = this.#of;
    const before = plain(answer);
    const asked = next(before, { type: 'asked', scope, model: model ?? modelFor(scope), goOn });
    const why = missingFor(asked, this.#needs);
    if (list.has(asked.id) || asked.after !== undefined) list.put(asked);
    else list.follow(asked);
    const shown = list.answer(asked.id)!;
    if (why === null) {
      const run = new AnswerRun(shown, before, this.#needs);
      this.#run = run;
      this.#ended = this.#work(run);
    } else {
      keepWaiting(shown, before, why, this.#needs);
      this.rest(shown);
    }
  }

  /** Shows and keeps an answer that rests. */
  rest(answer: Answer): void {
    const { list, kept } = this.#of;
    list.put(answer);
    const done = list.orderOf(answer.id) === null ? this.#add() : kept.write(answer.id);
    void done.then(() => this.wake());
  }

  /** Is there a kept question that can be asked now? Not while an answer is being written, by this tab or another. */
  wake(): void {
    const { list } = this.#of;
    if (this.#run !== null || this.#claiming || list.live.length > 0) return;
    for (const answer of list.answers) {
      if (answer.state !== 'waiting') continue;
      const why = missingFor(answer, this.#needs) ?? absentFor(answer, this.#needs);
      if (why === null) {
        this.#ended = this.#claim(answer);
        return;
      }
      // What it waits for is what this tab sees: it is not kept.
      if (why !== answer.why) list.put(next(answer, { type: 'held', why, before: answer }));
    }
  }

  /** Goes on with an answer that the page before this one had written when this tab was reloaded. */
  async resume({ id, resumedAt }: Unfinished): Promise<void> {
    const { list, kept } = this.#of;
    const { unfinished } = this.#needs;
    const release = await kept.lock(id);
    if (release === null) return;
    const answer = list.answer(id);
    const cut = answer !== null && (isRunning(answer) || answer.state === 'interrupted');
    // One that takes the page down with it is not begun again and again.
    if (!cut || resumedAt === answer.tokens) unfinished.end(id);
    else {
      const closed = next(unfinished.withTail(plain(answer)), { type: 'closed' });
      const waiting = next(closed, { type: 'held', why: 'mesh', before: closed });
      unfinished.resume(id, waiting.tokens);
      list.put(waiting);
      await kept.claim(waiting, (there) => isRunning(there) || there.state === 'interrupted');
    }
    release();
    this.wake();
  }

  /** Has an answer written that the person asks for, unless another tab does by now. */
  async #work(run: AnswerRun): Promise<void> {
    const { list, kept, watch } = this.#of;
    const { id } = run.answer;
    const isNew = list.orderOf(id) === null;
    const locked = kept.lock(id);
    if (isNew) {
      // Nobody else can know of it yet: neither the lock nor the disk is waited for.
      const added = this.#add();
      await this.#write(run, added, await locked);
      return;
    }
    const release = await locked;
    const asked = run.keptAs(plain(run.answer));
    const mine = release !== null && (await kept.claim(asked, (there) => !isRunning(there)));
    if (mine && list.has(id)) {
      await this.#write(run, Promise.resolve(), release);
      return;
    }
    release?.();
    this.#run = null;
    watch();
  }

  /** Asks a kept question, if it is still one: of all tabs, one does. */
  async #claim(answer: Answer): Promise<void> {
    const { list, kept, modelFor } = this.#of;
    this.#claiming = true;
    const before = plain(answer);
    const { scope, text } = before;
    const model = before.model ?? modelFor(scope);
    const asked = next(before, { type: 'asked', scope, model, goOn: text !== '' });
    const release = await kept.lock(answer.id);
    const mine = release !== null && (await kept.claim(asked, (there) => there.state === 'waiting'));
    this.#claiming = false;
    if (!mine || !list.has(asked.id)) {
      release?.();
      return;
    }
    list.put(asked);
    const run = new AnswerRun(list.answer(asked.id)!, before, this.#needs);
    this.#run = run;
    await this.#write(run, Promise.resolve(), release);
  }

  /** Has it written to its end, whatever that is. `added`: its question is kept, or its conversation is gone. */
  async #write(run: AnswerRun, added: Promise<void>, release: Release | null): Promise<void> {
    const { id: talk, list, whole } = this.#of;
    const { id } = run.answer;
    const keeper = new AnswerKeeper(
      {
        talk,
        order: () => list.orderOf(id),
        now: () => run.keptAs(plain(run.answer)),
        lost: () => run.stop(),
      },
      this.#needs,
    );
    this.#keeper = keeper;
    await whole();
    const request = questionFor(list.lineTo(id), run.answer, this.#needs, this.#of.asking());
    if (request.maxTokens !== MAX_TOKENS) run.answer.most = request.maxTokens;
    // Those whom the person trusts are not doubted, and nobody else gets to read what they are asked.
    const checks = run.answer.scope === 'anyone' && this.#needs.settings.checks;
    const onChecked = (check: AnswerCheck) => this.#checked(run, check);
    const onBill = (bill: Bill) => this.#billed(run, bill);
    await run.ask({ ...request, checks, onChecked, onBill }, () => keeper.changed());
    const ended = run.keptAs(plain(run.answer));
    this.#run = null;
    this.#keeper = null;
    if (list.has(id)) list.put(ended);
    await added;
    await keeper.end(ended);
    release?.();
    this.#needs.ended(talk, ended);
    // A question just refused waits for the next change of the mesh, not for the change it made itself.
    if (ended.state !== 'waiting' || run.slept) this.wake();
  }

  /** Auditors were drawn for what this run wrote, or have found something: while it still writes, or minutes later. */
  #checked(run: AnswerRun, check: AnswerCheck): void {
    const { list, kept } = this.#of;
    if (check.verdict === 'deviates') this.#needs.announce('An answer was checked, and deviates.');
    if (run === this.#run) {
      change(run.answer, { type: 'checked', check });
      return;
    }
    const answer = list.answer(run.answer.id);
    // It may have been asked anew, by whichever tab: then nobody looks at what was checked.
    if (answer === null || isRunning(answer) || !answer.text.startsWith(run.text)) return;
    list.put(next(plain(answer), { type: 'checked', check }));
    // What is not found yet is not kept.
    if (check.verdict !== 'asked') void kept.write(answer.id);
  }

  /** What this run cost is known when it has ended, however that was. */
  #billed(run: AnswerRun, bill: Bill): void {
    const { list, kept } = this.#of;
    if (run === this.#run) {
      change(run.answer, { type: 'billed', bill });
      return;
    }
    const answer = list.answer(run.answer.id);
    if (answer === null || isRunning(answer) || !answer.text.startsWith(run.text)) return;
    list.put(next(plain(answer), { type: 'billed', bill }));
    void kept.write(answer.id);
  }

  /** Keeps what was asked; where the conversation was deleted meanwhile, it is asked elsewhere. */
  async #add(): Promise<void> {
    const { list, kept, gone } = this.#of;
    if (await kept.add()) return;
    const asked = list.unkept.find((turn) => turn.role === 'user');
    this.abandon();
    if (asked?.role === 'user') gone(asked);
  }
}
