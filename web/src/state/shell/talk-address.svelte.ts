/** Keeps the open conversation and the address of the page together, whichever of them changes. */
import { PAGES, talkPath } from '@llmesh/core/wire/pages';
import { untrack } from 'svelte';
import type { Router } from './router.svelte.ts';

export interface TalkAddressNeeds {
  router: Pick<Router, 'page' | 'place' | 'go' | 'replace'>;
  chat: {
    readonly open: { readonly id: string; readonly title: string; readonly turns: readonly unknown[] };
    /** Leaves `open` as it is where there is no such conversation. */
    show(id: string): Promise<void>;
    startNew(): void;
  };
  /** Says which conversation is open now: the focus does not move to it. */
  announce: (text: string) => void;
}

export class TalkAddress {
  readonly #needs: TalkAddressNeeds;
  #unknown = $state(false);
  #arriving: Promise<boolean> | null = null;
  /** Which conversation was open when the address was last compared with it. */
  #last: string | null = null;

  constructor(needs: TalkAddressNeeds) {
    this.#needs = needs;
  }

  /** The address is that of a conversation which this browser does not have. */
  get unknown(): boolean {
    return this.#unknown;
  }

  /** The address of what is open: where Chat leads. */
  get path(): string {
    const { open } = this.#needs.chat;
    return open.turns.length > 0 ? talkPath(open.id) : PAGES.chat.path;
  }

  /** The settings were opened by their address. */
  get settings(): boolean {
    return this.#needs.router.place?.settings === true;
  }

  leaveSettings(): void {
    if (this.settings) this.#needs.router.replace(this.path);
  }

  startNew(): void {
    this.#needs.router.go(PAGES.chat.path);
  }

  /** Opens what the address says, and resolves when it is open; follows from then on, until the returned function is called. */
  async follow(): Promise<() => void> {
    await this.#arrive();
    let first = true;
    return $effect.root(() => {
      $effect(() => {
        void this.#needs.router.place;
        if (first) first = false;
        else untrack(() => void this.#arrive().then((opened) => opened && this.#say()));
      });
      $effect(() => {
        void this.path;
        void this.#needs.chat.open.id;
        untrack(() => this.#write());
      });
    });
  }

  /** From the address to the conversation. Resolves with whether another one was opened. Never rejects. */
  #arrive(): Promise<boolean> {
    this.#arriving ??= this.#open().finally(() => {
      this.#arriving = null;
      this.#write();
    });
    return this.#arriving;
  }

  /** Again when the address has changed meanwhile. */
  async #open(): Promise<boolean> {
    const { router, chat } = this.#needs;
    const before = chat.open.id;
    for (;;) {
      const { place } = router;
      if (place?.page !== 'chat' || place.settings) return false;
      if (place.talk !== null && place.talk !== chat.open.id) await chat.show(place.talk);
      if (router.place !== place) continue;
      this.#unknown = place.talk !== null && place.talk !== chat.open.id;
      if ((place.talk === null || this.#unknown) && chat.open.turns.length > 0) chat.startNew();
      this.#last = chat.open.id;
      return place.talk !== null && !this.#unknown && chat.open.id !== before;
    }
  }

  #say(): void {
    this.#needs.announce(`Opened “${this.#needs.chat.open.title}”.`);
  }

  /** From the conversation to the address. */
  #write(): void {
    const { router, chat } = this.#needs;
    if (router.page !== 'chat' || this.settings || this.#arriving !== null) return;
    const { id, turns } = chat.open;
    const same = id === this.#last;
    this.#last = id;
    if (this.#unknown && turns.length === 0) return;
    this.#unknown = false;
    if (router.place?.path === this.path) return;
    // A first question gets its address, and nothing leads back to a conversation that was deleted.
    if (same || turns.length === 0) router.replace(this.path);
    else router.go(this.path);
  }
}
