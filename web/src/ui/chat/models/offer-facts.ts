/** What the picker says about a model, one fact each; an unknown one is left out. */
import { plural } from '../../../language/plural.ts';
import { taskOf, type Offer } from '@llmesh/core/wire/model-advert';
import { shortHash } from '@llmesh/core/policy/offer-name';
import { isFree } from '../../../state/offers.svelte.ts';
import { speed } from '../../parts/format.ts';

export function whoHas(offer: Offer): string {
  return offer.providers === 0 ? 'nobody yet' : plural(offer.providers, ['# volunteer', '# volunteers']);
}

/** The beginning of its SHA-256, where another of these has the same name; null: the name is unique. */
export function hashOf(offer: Offer, all: readonly Offer[]): string | null {
  const alike = all.some(
    (other) =>
      other !== offer &&
      taskOf(other) === taskOf(offer) &&
      other.embeds === offer.embeds &&
      (other.id === offer.id || (other.name.toLowerCase() === offer.name.toLowerCase() && other.quant === offer.quant)),
  );
  return alike ? shortHash(offer.sha256) : null;
}

export function wait(offer: Offer): string {
  if (offer.providers === 0) return '';
  if (isFree(offer)) return 'starts now';
  return offer.queued > 0 ? `busy, ${offer.queued} in line` : 'busy';
}

export function pace(offer: Offer): string {
  return offer.tokensPerSecond === null ? '' : speed(offer.tokensPerSecond);
}

/** "14 volunteers, starts now, 38 tok/s" */
export function inShort(offer: Offer): string {
  return [whoHas(offer), wait(offer), pace(offer)].filter((fact) => fact !== '').join(', ');
}
