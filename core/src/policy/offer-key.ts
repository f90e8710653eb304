/** The unit of offers, leases and queues: tasks of one kind, done with one model. */
import type { ModelId, TaskName } from '../base/ids.ts';
import { CHAT, type ModelAdvert } from '../wire/model-advert.ts';

/** The kind of task, and the model. A kind that is left out is `chat`. */
export interface OfferRef {
  task?: TaskName | undefined;
  model: ModelId;
}

/** Both in one text, as a key for maps. */
export type OfferKey = string & { readonly brand: 'OfferKey' };

export function offerKey({ task = CHAT, model }: OfferRef): OfferKey {
  // Neither contains a blank.
  return `${task} ${model}` as OfferKey;
}

/** Of what an advert, or another description of a model, offers. */
export function offerKeyOf({ task, id }: Pick<ModelAdvert, 'task' | 'id'>): OfferKey {
  return offerKey({ task, model: id });
}

export function readOfferKey(key: OfferKey): Required<OfferRef> {
  const at = key.indexOf(' ');
  return { task: key.slice(0, at), model: key.slice(at + 1) as ModelId };
}
