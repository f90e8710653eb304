/** The Chat page: which conversation is open, what is being written into the box, and the conversations at work. */
import type { PeerId } from '@llmesh/core/base/ids';
import { SvelteMap } from 'svelte/reactivity';
import { Conversation, type ConversationNeeds, type KeptConversation } from './conversation.svelte.ts';
import type { Conversations } from './conversations.svelte.ts';
import type { Talk } from './kept-conversation.ts';
import type { AttachedFiles } from './files/attached-files.svelte.ts';
import { promptOf } from './files/question-file.ts';
import type { Drafts } from './kept/drafts.svelte.ts';
import { isRunning, writerOf, type Question, type ShownTurn } from './turn.ts';

export interface ChatNeeds extends Omit<ConversationNeeds, 'gone' | 'records'> {
  conversations: Conversations;
  drafts: Drafts;
  /** What is attached in each box; null: nothing was yet. */
  files: () => AttachedFiles | null;
  /** Is the conversation to be opened elsewhere than at its end? */
  opensEarlier: (talk: string) => boolean;
}

export class Chat {
  readonly #needs: ChatNeeds;
  readonly conversations: Conversations;
  /** Every conversation that was opened or is at work, by id. */
  readonly #live = new SvelteMap<string, Conversation>();
  /** Those that are being loaded. */
  readonly #loading = new Map<string, Promise<Conversation | null>>();
  #open: Conversation;
  /** The one in which nothing was asked yet; its draft is kept while others are looked at. */
  #unsent: Conversation;
  #hint = $state<string | null>(null);

  constructor(needs: ChatNeeds) {
    this.#needs = needs;
    this.conversations = needs.conversations;
    this.#unsent = $state.raw(this.#make());
    this.#open = $state.raw(this.#unsent);
    this.conversations.records.follow({
      talks: (talks, whole) => this.#takeTalks(talks, whole),
      turn: (talk, order, turn) => this.#live.get(talk)?.take(order, turn),
      allTurns: (turns) => this.#live.forEach((one) => one.takeAll(turns.get(one.id) ?? [])),
    });
    needs.live.hear({
      wrote: (talk, answer) => this.#live.get(talk)?.hear(answer),
      stop: (talk, id) => this.#live.get(talk)?.stopOwn(id),
    });
  }

  /** Without turns: the first page a visitor sees. */
  get open(): Conversation {
    return this.#open;
  }

  /** Those that were looked at or are at work. */
  get opened(): Iterable<Conversation> {
    return this.#live.values();
  }

  /** The providers that write for this page now, in any of its conversations. */
  get answering(): PeerId[] {
    return [...this.#live.values()]
      .map(({ running }) => (running === null ? null : writerOf(running)))
      .filter((peer) => peer !== null);
  }

  get draft(): string {
    return this.#needs.drafts.of(this.#open.id);
  }

  set draft(text: string) {
    this.#hint = null;
    this.#needs.drafts.type(this.#open.id, text, this.#open.turns.length === 0);
  }

  /** What is in the box, with the files that go along, as a model would read it. */
  get next(): string {
    return promptOf({ files: this.#needs.files()?.of(this.#open.id), text: this.draft });
  }

  /** Why Send did nothing. */
  get hint(): string | null {
    return this.#hint;
  }

  /** Sends what is in the box. */
  send(): void {
    if (this.draft.trim() === '') {
      this.#hint = 'Write a question first.';
      return;
    }
    if (this.#open.running !== null) {
      this.#hint = 'Wait for this answer to finish, or stop it first.';
      return;
    }
    this.#hint = null;
    const open = this.#open;
    this.#needs.drafts.send(
      open.id,
      (text) => this.ask(text),
      () => open.kept(),
    );
  }

  ask(text: string): void {
    this.conversations.settle();
    this.#live.set(this.#open.id, this.#open);
    this.#open.send(text, this.#needs.files()?.take(this.#open.id));
    if (this.#open === this.#unsent) this.#unsent = this.#make();
  }

  /** Puts the question of this answer back into the box. */
  edit(answerId: string): void {
    const question = this.#open.takeBack(answerId);
    if (question === null) return;
    const { text, files = [] } = question;
    this.#needs.files()?.putBack(this.#open.id, files);
    this.draft = this.draft.trim() === '' ? text : `${text}\n\n${this.draft}`;
  }

  startNew(): void {
    this.conversations.settle();
    if (this.#open.turns.length > 0) this.#turnTo(this.#unsent);
  }

  async show(id: string): Promise<void> {
    this.conversations.settle();
    const conversation = await this.#load(id);
    if (conversation === null) return;
    if (this.#needs.opensEarlier(id)) await conversation.whole();
    this.#turnTo(conversation);
  }

  /** Deletes a conversation. What is being written in it stops, and comes back with it as far as it was. */
  async remove(id: string): Promise<void> {
    const live = this.#live.get(id);
    live?.stop();
    this.#needs.drafts.flush([id]);
    const latest = (turn: ShownTurn) => live?.turns.find((one) => one.id === turn.id && longer(one, turn)) ?? turn;
    const removing = this.conversations.remove(id, live?.settled() ?? Promise.resolve(), latest);
    this.#needs.drafts.forget(id);
    this.#leave(id);
    await removing;
  }

  async clear(): Promise<void> {
    for (const conversation of this.#live.values()) conversation.abandon();
    this.#live.clear();
    this.#unsent = this.#make();
    this.#turnTo(this.#unsent);
    this.#needs.drafts.clear();
    await this.conversations.clear();
  }

  /** Something changed, in the mesh or here: kept questions may go out now. */
  wake(): void {
    for (const conversation of this.#live.values()) conversation.wake();
  }

  /** Restores what was left in the box, and the conversations whose question is still to be sent or whose answer is still to be written. */
  async restore(): Promise<void> {
    const { drafts, unfinished } = this.#needs;
    if (this.draft === '') {
      const left = await drafts.takeLeft((talk) => this.conversations.has(talk));
      if (left !== null && this.#open === this.#unsent && this.#unsent.turns.length === 0 && this.draft === '') {
        this.#unsent = this.#make(left);
        this.#open = this.#unsent;
      }
    }
    for (const { id, waiting } of this.conversations.list) if (waiting) await this.#load(id);
    for (const note of unfinished.all) {
      const conversation = await this.#load(note.talk);
      await conversation?.whole();
      if (conversation === null) unfinished.end(note.id);
      else await conversation.resume(note);
    }
    this.#open.prepare();
    this.wake();
  }

  /** The page is being closed or put to sleep: keeps what is not kept yet. */
  flush(): void {
    this.#needs.drafts.flush();
    for (const conversation of this.#live.values()) conversation.flush();
  }

  /** Does what the trusted volunteers lend matter now? */
  get asksTrusted(): boolean {
    const waits = [...this.#live.values()].some(({ turns }) =>
      turns.some((turn) => turn.role === 'assistant' && turn.state === 'waiting' && turn.scope === 'trusted'),
    );
    return waits || this.#open.scope === 'trusted';
  }

  #turnTo(conversation: Conversation): void {
    this.#open = conversation;
    conversation.prepare();
    // Without it the box is empty, and what is typed there is kept.
    this.#needs.drafts.load(conversation.id).catch(this.#needs.failed);
  }

  /** Another tab, or this one, has changed conversations. */
  #takeTalks(changed: readonly { id: string; talk: Talk | null }[], whole: boolean): void {
    this.conversations.take(changed, whole);
    for (const { id, talk } of changed) {
      const live = this.#live.get(id);
      if (talk === null) this.#lose(id);
      else if (live !== undefined) live.takeAbout(talk);
      // Should the tab that waits be closed, this one asks.
      else if (talk.waiting.length > 0) void this.#load(id).then((conversation) => conversation?.wake());
    }
    if (!whole) return;
    const there = new Set(changed.map(({ id }) => id));
    for (const { id, turns } of this.#live.values()) if (!there.has(id) && turns.length > 0) this.#lose(id);
  }

  /** It was deleted. What stands in its box goes on in a new one. */
  #lose(id: string): void {
    const live = this.#live.get(id);
    if (live === undefined) return;
    // Its last question was taken back, here: the person is about to ask another, or has.
    if (!live.isKept && (live === this.#open || live.turns.length > 0)) return;
    live.abandon();
    const { drafts } = this.#needs;
    const [open, text] = [this.#open === live, drafts.of(id)];
    drafts.forget(id);
    this.#leave(id);
    if (open && text !== '' && this.draft === '') this.draft = text;
  }

  #leave(id: string): void {
    this.#live.delete(id);
    if (this.#open.id === id) this.#turnTo(this.#unsent);
  }

  /** Another tab deleted the conversation in which this was just asked: it is asked in a new one. */
  #askElsewhere(conversation: Conversation, { text, files }: Question): void {
    const open = this.#open;
    this.#live.delete(conversation.id);
    const fresh = this.#make();
    this.#live.set(fresh.id, fresh);
    // What was open has been turned away from, if it was known before that it is gone.
    if (open === conversation || open === this.#unsent) this.#turnTo(fresh);
    fresh.scope = conversation.scope;
    fresh.asking = conversation.asking;
    fresh.send(text, files);
  }

  #load(id: string): Promise<Conversation | null> {
    const live = this.#live.get(id);
    if (live !== undefined) return Promise.resolve(live);
    let loading = this.#loading.get(id);
    if (loading === undefined) {
      loading = this.#loadNew(id).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    return loading;
  }

  async #loadNew(id: string): Promise<Conversation | null> {
    const known = this.conversations.talk(id);
    const read = known === null ? null : await this.conversations.lastTurns(known);
    const talk = this.conversations.talk(id);
    if (talk === null || read === null) return null;
    const conversation = this.#make(id, { ...talk, ...read });
    this.#live.set(id, conversation);
    return conversation;
  }

  #make(id?: string, kept?: KeptConversation): Conversation {
    const { records } = this.conversations;
    const gone = (conversation: Conversation, question: Question) => this.#askElsewhere(conversation, question);
    return new Conversation({ ...this.#needs, records, gone }, id, kept);
  }
}

/** Has this tab heard more of it than is kept? */
function longer(known: ShownTurn, kept: ShownTurn): boolean {
  return (
    known.role === 'assistant' && kept.role === 'assistant' && isRunning(kept) && known.text.length > kept.text.length
  );
}
