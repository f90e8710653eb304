/** Fits an advert into one message of limited size: a provider may have more adapters than that holds. */
import { MAX_TO_SERVER_BYTES } from '../wire/control-protocol.ts';
import { MAX_ADAPTERS, type ModelAdvert } from '../wire/model-advert.ts';

/** Everything around the models: slots, the certificate, names. */
const REST_BYTES = 512;

/** The models with the first adapters of each, as many as fit. */
export function modelsThatFit(models: readonly ModelAdvert[]): ModelAdvert[] {
  for (let most = MAX_ADAPTERS; ; most--) {
    const fewer = models.map((model) => withAdapters(model, most));
    if (most === 0 || bytesOf(fewer) + REST_BYTES <= MAX_TO_SERVER_BYTES) return fewer;
  }
}

function withAdapters(model: ModelAdvert, most: number): ModelAdvert {
  if (model.adapters === undefined || model.adapters.length <= most) return model;
  const { adapters, ...rest } = model;
  return most === 0 ? rest : { ...rest, adapters: adapters.slice(0, most) };
}

function bytesOf(models: readonly ModelAdvert[]): number {
  return new TextEncoder().encode(JSON.stringify(models)).byteLength;
}
