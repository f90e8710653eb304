/** What is offered, leased and waited for: tasks of one kind, done with one model. */
import type { ModelId, TaskName } from '../base/ids.ts';
import { CHAT } from '../wire/model-advert.ts';

/** Which kind, and with which model. A kind that is left out is `chat`. */
export interface OfferRef {
  task?: TaskName | undefined;
  model: ModelId;
}

/** Both in one text, for maps. */
export type OfferKey = string & { readonly brand: 'OfferKey' };

export function offerKey({ task = CHAT, model }: OfferRef): OfferKey {
  // Neither has a blank in it.
  return `${task} ${model}` as OfferKey;
}

export function readOfferKey(key: OfferKey): Required<OfferRef> {
  const at = key.indexOf(' ');
  return { task: key.slice(0, at), model: key.slice(at + 1) as ModelId };
}
