/** What not every provider can, and what of it a question needs. */
import { MeshError } from './errors.ts';
import type { Adapter } from './control-protocol.ts';
import type { Sampling } from './protocol.ts';

/**
 * Beyond chatting. `schema`: it holds answers to a JSON schema. `completion`: it goes on with bare text. `logprobs`: it
 * tells how likely each token was. `penalties`: it writes less often what it wrote already.
 */
export const ABILITIES = ['schema', 'completion', 'logprobs', 'penalties'] as const;
export type Ability = (typeof ABILITIES)[number];

/** What of a question decides who can answer it. */
export interface Demand {
  task?: 'chat' | 'completion';
  schema?: string | undefined;
  logprobs?: number | undefined;
  adapter?: string | undefined;
  sampling: Sampling;
}

/** What whoever answers must have: all of these abilities, and the adapter. */
export interface Needs {
  needs?: readonly Ability[] | undefined;
  /** The SHA-256 of its file. Left out: the model answers as it is. */
  adapter?: string | undefined;
}

/** Of an advert, or of what an engine says of itself. */
export interface Offered {
  abilities?: readonly Ability[] | undefined;
  adapters?: readonly Adapter[] | undefined;
  fetchesAdapters?: boolean | undefined;
}

export function needsOf({ task = 'chat', schema, logprobs, adapter, sampling }: Demand): Needs {
  const { presencePenalty = 0, frequencyPenalty = 0 } = sampling;
  const needed: Record<Ability, boolean> = {
    schema: schema !== undefined,
    completion: task === 'completion',
    logprobs: logprobs !== undefined,
    penalties: presencePenalty !== 0 || frequencyPenalty !== 0,
  };
  return {
    needs: ABILITIES.filter((ability) => needed[ability]),
    ...(adapter !== undefined && { adapter }),
  };
}

/** Can it all that is needed? */
export function isAble({ abilities, adapters, fetchesAdapters }: Offered, { needs = [], adapter }: Needs): boolean {
  const has = adapter === undefined || adapters?.some(({ sha256 }) => sha256 === adapter) === true;
  if (!has && fetchesAdapters !== true) return false;
  return needs.every((ability) => abilities?.includes(ability) === true);
}

/** For a person: "hold it to a JSON schema". Empty: nothing is needed that not everybody can. */
export function inWords({ needs = [], adapter }: Needs): string {
  const words = needs.map((ability) => WORDS[ability]);
  return [...words, ...(adapter === undefined ? [] : ['answer with this adapter'])].join(' and ');
}

/** What is said to whoever asked for more. */
export function unable(needs: Needs): MeshError {
  return new MeshError('unsupported', `This volunteer lends the model, but cannot ${inWords(needs)}.`);
}

const WORDS: Record<Ability, string> = {
  schema: 'hold it to a JSON schema',
  completion: 'have it go on with bare text',
  logprobs: 'tell how likely each word was',
  penalties: 'keep it from repeating itself',
};
