/** Tells each peer that is here what its credits are, whenever they changed: to itself only, and at most once a second. */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import type { LedgerPort } from '../ledger/ledger-port.ts';
import type { Sessions } from './sessions.ts';

/** News of one second are told together. */
const EVERY_MS = 1_000;

export interface AccountPostNeeds {
  clock: Clock;
  ledger: LedgerPort;
  sessions: Pick<Sessions, 'find'>;
}

export class AccountPost {
  readonly #needs: AccountPostNeeds;
  /** Peers that are here and have news. */
  readonly #stirred = new Set<PeerId>();
  readonly #told = new WeakMap<object, string>();
  readonly #stopListening: () => void;
  #stopTimer: (() => void) | null = null;

  constructor(needs: AccountPostNeeds) {
    this.#needs = needs;
    this.#stopListening = needs.ledger.onChanged((peers) => this.#changed(peers));
  }

  /** What a peer hears with its welcome. */
  welcomed(peer: PeerId): AccountNews {
    const news = this.#needs.ledger.account(peer);
    const member = this.#needs.sessions.find(peer);
    if (member !== null) this.#told.set(member, JSON.stringify(news));
    return news;
  }

  /** Idempotent. */
  close(): void {
    this.#stopListening();
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  #changed(peers: ReadonlySet<PeerId>): void {
    for (const peer of peers) if (this.#needs.sessions.find(peer) !== null) this.#stirred.add(peer);
    if (this.#stirred.size > 0) this.#stopTimer ??= this.#needs.clock.after(EVERY_MS, () => this.#tell());
  }

  #tell(): void {
    this.#stopTimer = null;
    const { ledger, sessions } = this.#needs;
    const stirred = [...this.#stirred];
    this.#stirred.clear();
    for (const peer of stirred) {
      const member = sessions.find(peer);
      if (member === null) continue;
      const news = ledger.account(peer);
      const text = JSON.stringify(news);
      if (this.#told.get(member) !== text) member.credits(news);
      this.#told.set(member, text);
    }
  }
}
