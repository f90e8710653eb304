/** What not every provider can, and what of it a question needs. */
import { MeshError } from './errors.ts';
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
  sampling: Sampling;
}

/** Whoever answers must have all of these. */
export function needsOf({ task = 'chat', schema, logprobs, sampling }: Demand): Ability[] {
  const { presencePenalty = 0, frequencyPenalty = 0 } = sampling;
  const needed: Record<Ability, boolean> = {
    schema: schema !== undefined,
    completion: task === 'completion',
    logprobs: logprobs !== undefined,
    penalties: presencePenalty !== 0 || frequencyPenalty !== 0,
  };
  return ABILITIES.filter((ability) => needed[ability]);
}

/** Can it all that is needed? `offered`: an advert, or what an engine says of itself. */
export function isAble(offered: { abilities?: readonly Ability[] | undefined }, needs: readonly Ability[]): boolean {
  return needs.every((ability) => offered.abilities?.includes(ability) === true);
}

/** For a person: "hold it to a JSON schema". */
export function inWords(needs: readonly Ability[]): string {
  return needs.map((ability) => WORDS[ability]).join(' and ');
}

/** What is said to whoever asked for more. */
export function unable(needs: readonly Ability[]): MeshError {
  return new MeshError('unsupported', `This volunteer lends the model, but cannot ${inWords(needs)}.`);
}

const WORDS: Record<Ability, string> = {
  schema: 'hold it to a JSON schema',
  completion: 'have it go on with bare text',
  logprobs: 'tell how likely each word was',
  penalties: 'keep it from repeating itself',
};
