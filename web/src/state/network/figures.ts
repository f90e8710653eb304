/** What the Network page knows: made when it is first looked at, and kept while the page is open. */
import { AuditFigures } from './audits.svelte.ts';
import { Network, type NetworkNeeds } from './network.svelte.ts';

export interface Figures {
  network: Network;
  audits: AuditFigures;
}

const made = new WeakMap<NetworkNeeds, Figures>();

export function figuresFor(needs: NetworkNeeds): Figures {
  const there = made.get(needs);
  if (there !== undefined) return there;
  const figures = { network: new Network(needs), audits: new AuditFigures(needs) };
  made.set(needs, figures);
  return figures;
}
