/** What the Network page shows. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { DonateState } from '../../state/donate/donate.svelte.ts';
import type { NetworkNeeds } from '../../state/network/network.svelte.ts';
import type { Visitor } from '../../state/shell/visitor.svelte.ts';
import type { Trusted } from '../../state/trust/trusted.svelte.ts';

export interface NetworkPageState {
  self: PeerId;
  /** Whom the page asks who is here: `figures.ts`. */
  server: NetworkNeeds;
  trusted: Trusted;
  /** The catalogue as far as it is known. */
  models: () => readonly CatalogueModel[];
  /** Whether this mesh has credits. */
  paid: () => boolean;
  /** Whether this computer lends, and what it can. */
  donate: Pick<DonateState, 'donating' | 'on' | 'device'>;
  visitor: Visitor;
}
