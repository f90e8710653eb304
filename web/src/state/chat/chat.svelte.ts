/** The Chat page: which conversation is open, what is being written into the box, and the conversations at work. */
import type { PeerId } from '@llmesh/core/base/ids';
import { SvelteMap } from 'svelte/reactivity';
import { Conversation, type ConversationNeeds, type KeptConversation } from './conversation.svelte.ts';
import type { Conversations } from './conversations.svelte.ts';
import type { Store } from '../store.ts';
import { writerOf } from './turn.ts';

const DRAFT = 'draft';
const KEEP_DRAFT_AFTER_MS = 400;

export interface ChatNeeds extends Omit<ConversationNeeds, 'changed'> {
  conversations: Conversations;
  store: Store;
  /** The draft could not be kept. */
  failed: (error: unknown) => void;
}

export class Chat {
  readonly #needs: ChatNeeds;
  readonly conversations: Conversations;
  /** Every conversation that was opened or is at work, by id. */
  readonly #live = new SvelteMap<string, Conversation>();
  #open: Conversation;
  #draft = $state('');
  #hint = $state<string | null>(null);
  #stopKeeping: (() => void) | null = null;

  constructor(needs: ChatNeeds) {
    this.#needs = needs;
    this.conversations = needs.conversations;
    this.#open = $state.raw(this.#make());
  }

  /** Without turns: the first page a visitor sees. */
  get open(): Conversation {
    return this.#open;
  }

  /** The providers that write for this page now, in any of its conversations. */
  get answering(): PeerId[] {
    return [...this.#live.values()]
      .map(({ running }) => (running === null ? null : writerOf(running)))
      .filter((peer) => peer !== null);
  }

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    this.#draft = text;
    this.#hint = null;
    const { clock, store, failed } = this.#needs;
    this.#stopKeeping?.();
    this.#stopKeeping = clock.after(KEEP_DRAFT_AFTER_MS, () => {
      // A draft that cannot be kept is still in the box: no need to tell the person.
      store.set([[DRAFT, this.#draft]]).catch(failed);
    });
  }

  /** Why Send did nothing. */
  get hint(): string | null {
    return this.#hint;
  }

  /** Sends what is in the box. */
  send(): void {
    if (this.#draft.trim() === '') {
      this.#hint = 'Write a question first.';
      return;
    }
    if (this.#open.running !== null) {
      this.#hint = 'Wait for this answer to finish, or stop it first.';
      return;
    }
    const text = this.#draft;
    this.draft = '';
    this.ask(text);
  }

  ask(text: string): void {
    this.conversations.settle();
    this.#live.set(this.#open.id, this.#open);
    this.#open.send(text);
  }

  /** Puts the question of this answer back into the box. */
  edit(answerId: string): void {
    const text = this.#open.takeBack(answerId);
    if (text === null) return;
    this.draft = this.#draft.trim() === '' ? text : `${text}\n\n${this.#draft}`;
    if (this.#open.turns.length === 0)
      void this.conversations.remove(this.#open.id).then(() => this.conversations.settle());
  }

  startNew(): void {
    this.conversations.settle();
    if (this.#open.turns.length > 0) this.#turnTo(this.#make());
  }

  async show(id: string): Promise<void> {
    this.conversations.settle();
    const conversation = await this.#load(id);
    if (conversation === null) return;
    this.#turnTo(conversation);
  }

  async remove(id: string): Promise<void> {
    this.#live.get(id)?.stop();
    this.#live.delete(id);
    if (this.#open.id === id) this.#turnTo(this.#make());
    await this.conversations.remove(id);
  }

  async clear(): Promise<void> {
    for (const conversation of this.#live.values()) conversation.stop();
    this.#live.clear();
    this.#turnTo(this.#make());
    await this.conversations.clear();
  }

  /** Something changed, in the mesh or here: kept questions may go out now. */
  wake(): void {
    for (const conversation of this.#live.values()) conversation.wake();
  }

  /** Restores what was left in the box, and the conversations whose question is still to be sent. */
  async restore(): Promise<void> {
    const draft = await this.#needs.store.get(DRAFT);
    if (typeof draft === 'string' && this.#draft === '') this.#draft = draft;
    for (const { id, waiting } of this.conversations.list) if (waiting) await this.#load(id);
    this.#open.prepare();
    this.wake();
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
  }

  async #load(id: string): Promise<Conversation | null> {
    const live = this.#live.get(id);
    if (live !== undefined) return live;
    const turns = await this.conversations.turns(id);
    if (turns === null) return null;
    const conversation = this.#make(id, { turns, scope: this.conversations.scopeOf(id) });
    this.#live.set(id, conversation);
    return conversation;
  }

  #make(id?: string, kept?: KeptConversation): Conversation {
    const changed = (conversation: Conversation) => {
      if (this.#live.has(conversation.id)) this.conversations.keep(conversation);
    };
    return new Conversation({ ...this.#needs, changed }, id, kept);
  }
}
