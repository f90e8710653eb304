/** What the Network page knows: made when it is first looked at, and kept while the page is open. */
import { LeaderboardSchema } from '@llmesh/core/wire/credit-pages';
import { ServerPage } from '../credits/server-page.svelte.ts';
import { AuditFigures } from './audits.svelte.ts';
import { Network, type NetworkNeeds } from './network.svelte.ts';

export interface Figures {
  network: Network;
  audits: AuditFigures;
  /** Of a mesh with credits. */
  leaders: ServerPage<typeof LeaderboardSchema>;
}

const SELDOM_MS = 20_000;
const made = new WeakMap<NetworkNeeds, Figures>();

export function figuresFor(needs: NetworkNeeds): Figures {
  const there = made.get(needs);
  if (there !== undefined) return there;
  const figures = {
    network: new Network(needs),
    audits: new AuditFigures(needs),
    leaders: new ServerPage('/api/leaderboard', LeaderboardSchema, SELDOM_MS, needs),
  };
  made.set(needs, figures);
  return figures;
}
