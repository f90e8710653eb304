/** What not every provider can, and what of it a question needs. */
import { MeshError } from '../base/errors.ts';
import { type Adapter, type Ability, NEEDS, type Need } from '../wire/model-advert.ts';
import type { Sampling, TaskKind } from '../protocol.ts';

/** What of a question decides who can answer it. */
export interface Demand {
  task?: TaskKind;
  schema?: string | undefined;
  logprobs?: number | undefined;
  adapter?: string | undefined;
  sampling: Sampling;
}

/** What whoever answers must have: all of these, and the adapter. */
export interface Needs {
  needs?: readonly Need[] | undefined;
  /** The SHA-256 of its file. Left out: the model answers as it is. */
  adapter?: string | undefined;
  /** The model's own file; null: one that is not named. Left out: any. */
  sha256?: string | null | undefined;
}

/** What an advert, or an engine, says it can do. */
export interface Offered {
  abilities?: readonly Ability[] | undefined;
  embeds?: number | undefined;
  adapters?: readonly Adapter[] | undefined;
  fetchesAdapters?: boolean | undefined;
  sha256?: string | null | undefined;
}

export function needsOf({ task = 'chat', schema, logprobs, adapter, sampling }: Demand): Needs {
  const { presencePenalty = 0, frequencyPenalty = 0 } = sampling;
  const needed: Record<Need, boolean> = {
    schema: schema !== undefined,
    completion: task === 'completion',
    logprobs: logprobs !== undefined,
    penalties: presencePenalty !== 0 || frequencyPenalty !== 0,
    embedding: task === 'embedding',
  };
  return {
    needs: NEEDS.filter((ability) => needed[ability]),
    ...(adapter !== undefined && { adapter }),
  };
}

/** Can it all that is needed? */
export function isAble(
  { abilities = [], embeds, adapters, fetchesAdapters, sha256: file = null }: Offered,
  { needs = [], adapter, sha256 }: Needs,
): boolean {
  if (sha256 !== undefined && sha256 !== file) return false;
  if ((embeds !== undefined) !== needs.includes('embedding')) return false;
  const has = adapter === undefined || adapters?.some(({ sha256 }) => sha256 === adapter) === true;
  if (!has && fetchesAdapters !== true) return false;
  return needs.every((need) => need === 'embedding' || abilities.includes(need));
}

/** The needs in words for a person: "enforce a JSON schema". Empty: every provider can do this. */
export function inWords({ needs = [], adapter }: Needs): string {
  const words = needs.map((ability) => WORDS[ability]);
  return [...words, ...(adapter === undefined ? [] : ['answer with this adapter'])].join(' and ');
}

/** The error for a requester that needs more than this provider can do. */
export function unable(needs: Needs): MeshError {
  const words = inWords(needs);
  // A plain question reached a model that cannot chat.
  if (words === '') return new MeshError('unsupported', 'This model turns text into vectors and does not chat.');
  return new MeshError('unsupported', `This volunteer lends the model, but cannot ${words}.`);
}

const WORDS: Record<Need, string> = {
  schema: 'enforce a JSON schema',
  completion: 'continue bare text',
  logprobs: 'say how likely each word was',
  penalties: 'penalise repetition',
  embedding: 'turn text into vectors',
};
