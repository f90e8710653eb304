/** What the control plane tells about credits: each page made when it is first looked at, and kept while the page is open. */
import type { PeerId } from '@llmesh/core/base/ids';
import {
  AccountPageSchema,
  CreditsSchema,
  LeaderboardSchema,
  ProposalsSchema,
  ReceiptPageSchema,
  type ReceiptPage,
} from '@llmesh/core/wire/credit-pages';
import { History } from './history.svelte.ts';
import { readPage, ServerPage, type ServerNeeds } from './server-page.svelte.ts';

const OFTEN_MS = 5_000;
const SELDOM_MS = 20_000;

export class LedgerPages {
  /** The mesh's own accounts, its parameters, and how its log does. */
  readonly credits: ServerPage<typeof CreditsSchema>;
  /** Our account, at greater length than the news of it. */
  readonly account: ServerPage<typeof AccountPageSchema>;
  readonly leaders: ServerPage<typeof LeaderboardSchema>;
  readonly proposals: ServerPage<typeof ProposalsSchema>;
  readonly history: History;
  readonly #needs: ServerNeeds;

  constructor(self: PeerId, needs: ServerNeeds) {
    this.#needs = needs;
    this.credits = new ServerPage('/api/credits', CreditsSchema, OFTEN_MS, needs);
    this.account = new ServerPage(`/api/account?peer=${self}`, AccountPageSchema, OFTEN_MS, needs);
    this.leaders = new ServerPage('/api/leaderboard', LeaderboardSchema, SELDOM_MS, needs);
    this.proposals = new ServerPage('/api/proposals', ProposalsSchema, OFTEN_MS, needs);
    this.history = new History(self, needs);
  }

  /** One delivery as the ledger has it. Rejects while the ledger does not have it, or does not answer. */
  receipt(lease: string, signal: AbortSignal): Promise<ReceiptPage> {
    return readPage(`/api/receipt?lease=${lease}`, ReceiptPageSchema, this.#needs.getJson, signal);
  }
}

const made = new WeakMap<ServerNeeds, LedgerPages>();

export function ledgerPagesFor(self: PeerId, needs: ServerNeeds): LedgerPages {
  const there = made.get(needs);
  if (there !== undefined) return there;
  const pages = new LedgerPages(self, needs);
  made.set(needs, pages);
  return pages;
}
