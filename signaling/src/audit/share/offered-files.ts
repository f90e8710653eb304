/**
 * Which file each provider said it would answer with, as it was when the requester was sent there: whoever changes its
 * advert before the receipt is filed is checked by what it said before.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerKey, offerKeyOf, type OfferRef } from '@llmesh/core/policy/offer-key';
import { engineNameOf, type EngineName } from '@llmesh/core/proof/engine-name';
import type { Candidate } from '@llmesh/core/wire/candidate';

/** Pairs of provider and offer; those matched longest ago are forgotten first. */
const MAX_OFFERED = 50_000;

export interface OfferedFile {
  readonly file: string;
  readonly engine: EngineName;
  /** Where the provider connected from. */
  readonly network: string;
}

export class OfferedFiles {
  readonly #offered = new BoundedMap<string, OfferedFile>(MAX_OFFERED);

  /** Somebody was sent to this provider. */
  sent({ peerId, model }: Candidate, network: string): void {
    const key = `${peerId} ${offerKeyOf(model)}`;
    const { sha256, replayable } = model;
    if (sha256 === null || replayable === undefined) this.#offered.delete(key);
    else this.#offered.set(key, { file: sha256, engine: engineNameOf(model), network });
  }

  /** Null: its answers cannot be checked, as it says, or it was not sent anyone lately. */
  of(provider: PeerId, offer: OfferRef): OfferedFile | null {
    return this.#offered.get(`${provider} ${offerKey(offer)}`) ?? null;
  }
}
