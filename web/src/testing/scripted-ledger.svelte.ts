/** The ledger of a mesh, scripted: what its pages say, and whether it takes orders. */
import type { MeshError } from '@llmesh/core/base/errors';
import { newPeerId } from '@llmesh/core/base/ids';
import type { OrderBody } from '@llmesh/core/ledger/order';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import type { AccountNews, CreditMode } from '@llmesh/core/wire/credit-messages';
import type { ParameterView, PostingView, ProposalView } from '@llmesh/core/wire/credit-pages';
import { Account } from '../state/credits/account.svelte.ts';
import { MemoryStore } from '../state/store.ts';
import { ForkAlarm } from '../state/watch/fork-alarm.svelte.ts';
import { WitnessChoice } from '../state/watch/witness-choice.svelte.ts';
import { Orders } from '../state/credits/order-desk.svelte.ts';
import type { CreditsPageState } from '../ui/credits/credits-page-state.ts';

export const SPLIT: ParameterView = {
  ...{ name: 'split-host', value: 700, min: 500, max: 850, step: 25, unit: 'thousandths' },
  about: 'The part of a payment that the volunteer gets.',
};
export const STAKE: ParameterView = {
  ...{ name: 'proposal-stake', value: 100_000_000, min: 0, max: 10_000_000_000, step: 10_000_000 },
  ...{ unit: 'micro-credits', about: 'What a proposal puts aside for 14 days.' },
};

export class ScriptedLedger {
  readonly self = newPeerId();
  readonly clock = new ManualClock();
  readonly store = new MemoryStore();
  readonly account = new Account();
  readonly given: OrderBody[] = [];
  /** Of the next orders. */
  refusal: MeshError | null = null;
  postings: PostingView[] = [];
  proposals: ProposalView[] = [];
  alias: string | null = null;
  weight = 0;
  /** What is at other paths; those that are missing do not answer. */
  pages: Record<string, unknown> = {};

  readonly orders = new Orders(async (body) => {
    this.given.push(body);
    if (this.refusal !== null) throw this.refusal;
  });
  readonly state: CreditsPageState = {
    self: this.self,
    selfPasses: null,
    openIdentities: null,
    account: this.account,
    orders: this.orders,
    server: { clock: this.clock, getJson: (path) => this.#get(path) },
    watch: {
      witness: new WitnessChoice({
        store: this.store,
        lasts: true,
        begin: () => Promise.reject(new Error('There is no log here.')),
        failed: () => {},
      }),
      alarm: new ForkAlarm({ store: this.store, failed: () => {} }),
    },
    connection: { open: true, away: false, status: 'open', outdated: false, refusal: null },
  };

  has(some: Partial<AccountNews>, mode: CreditMode = 'priority'): void {
    this.account.take(newsOf(some, mode));
  }

  /** Lets the page hear what the server says. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.clock.advance(0);
  }

  async #get(path: string): Promise<unknown> {
    const { pathname } = new URL(path, 'http://mesh');
    switch (pathname) {
      case '/api/credits':
        return {
          ...{
            mode: 'priority',
            issuer: newPeerId(),
            priceVersion: 1,
            emitted: 5_000_000,
            supply: 1_000_000_000_000_000,
          },
          ...{ treasury: 100_000, auditors: 200_000, burned: 0, uptimePerHour: 500_000, parameters: [SPLIT, STAKE] },
          log: { origin: 'mesh/log', size: 1_200, final: 1_190, lagMs: 2_100 },
        };
      case '/api/account':
        return {
          account: this.account.news ?? newsOf({}, 'priority'),
          ...{ alias: this.alias, earned: 830_000, weight: this.weight },
          today: { tasks: 500_000, uptime: 300_000, audits: 30_000 },
          releases: [{ amount: 2_000_000, atMs: Date.UTC(2026, 11, 14, 10) }],
        };
      case '/api/postings':
        return { postings: this.postings };
      case '/api/leaderboard':
        return { leaders: [{ peer: this.self, alias: 'The otter', earned: 830_000, units: 9_100 }] };
      case '/api/proposals':
        return { proposals: this.proposals };
      default:
        if (path in this.pages) return this.pages[path];
        throw new Error('HTTP 404');
    }
  }
}

function newsOf(some: Partial<AccountNews>, mode: CreditMode): AccountNews {
  return {
    ...{ type: 'account', free: 0, allowance: 0, held: 0, pending: 0, stake: 0, unbonding: 0, ...some },
    mode,
  };
}
