/** Adapters as requests name them: by the SHA-256 of a file that volunteers have, or by the name of one that this gateway gives. */
import { loraMisfit } from '@llmesh/core/gguf/lora';
import type { AskRequest } from '@llmesh/core/ask/answer';
import { offerName } from '@llmesh/core/policy/offer-name';
import type { Adapter, Offer } from '@llmesh/core/wire/model-advert';
import { whyNotWith, type OwnAdapter } from '../../models/lora/own-adapters.ts';
import { ApiError } from './api-error.ts';

const SHA256 = /^[0-9a-f]{64}$/;
const MAX_NAMED = 20;

/** One that a request asked for. */
export interface AskedAdapter {
  sha256: string;
  /** Null: volunteers have it, and it is not ours. */
  own: OwnAdapter | null;
}

export class Adapters {
  readonly #own: readonly OwnAdapter[];

  /** `own`: those that this gateway gives to whoever answers. */
  constructor(own: readonly OwnAdapter[]) {
    this.#own = own;
  }

  /** Throws an `ApiError` for a name that is none. `wanted`: null: the model as it is. */
  find(wanted: string | null): AskedAdapter | null {
    if (wanted === null) return null;
    const own = this.#own.find(({ name, sha256 }) => name === wanted || sha256 === wanted) ?? null;
    if (own !== null) return { sha256: own.sha256, own };
    if (SHA256.test(wanted)) return { sha256: wanted, own: null };
    const there = this.#own.map(({ name }) => name).join(', ');
    const ours =
      there === '' ? 'It gives none of its own: start it with --lora name=file.gguf.' : `It gives: ${there}.`;
    throw notFound(
      `This gateway has no adapter "${wanted}". ${ours} One that volunteers have is named by its SHA-256, 64 digits and letters a to f.`,
    );
  }

  /** Our own that this model can be asked with, for the list of models. */
  of(offer: Offer): Adapter[] {
    const { takesAdapters: base } = offer;
    if (base === undefined) return [];
    return this.#own.flatMap(({ name, sha256, lora }) => (loraMisfit(lora, base) === null ? [{ name, sha256 }] : []));
  }
}

/** What the mesh is asked for. */
export function askedWith(adapter: AskedAdapter | null): Pick<AskRequest, 'adapter' | 'brings'> {
  if (adapter === null) return {};
  const { sha256, own } = adapter;
  return { adapter: sha256, ...(own !== null && { brings: own.content }) };
}

/** Those of the models that can be asked with it. Throws an `ApiError` that says why there are none, and what there is. */
export function withAdapter(offers: Offer[], { sha256: wanted, own }: AskedAdapter): Offer[] {
  const has = ({ adapters = [] }: Offer) => adapters.some(({ sha256 }) => sha256 === wanted);
  // Where there are many adapters, not all of them are announced.
  const may = (offer: Offer) => (own === null ? offer.moreAdapters === true : whyNotWith(own, offer) === null);
  const able = offers.filter((offer) => has(offer) || may(offer));
  if (able.length > 0) return able;
  if (own !== null) {
    const why = offers.flatMap((offer) => whyNotWith(own, offer) ?? []);
    throw notFound(why.slice(0, MAX_NAMED).join(' '));
  }
  const there = offers.flatMap((offer) =>
    (offer.adapters ?? []).map(({ sha256, name }) => `${sha256} (${name}, of ${offerName(offer)})`),
  );
  const instead =
    there.length === 0 ? 'No adapters are available for it.' : `Available: ${there.slice(0, MAX_NAMED).join(', ')}.`;
  const names = offers.slice(0, MAX_NAMED).map(offerName).join(', ');
  throw notFound(`Nobody lends ${names} with this adapter right now. ${instead}`);
}

function notFound(message: string): ApiError {
  return new ApiError({
    status: 404,
    type: 'invalid_request_error',
    code: 'adapter_not_found',
    param: 'adapter',
    message,
  });
}
