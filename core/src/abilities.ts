/** What not every provider can, and what of it a question needs. */
import { MeshError } from './errors.ts';
import type { Sampling, TaskKind } from './protocol.ts';

/**
 * Beyond chatting. `schema`: it holds answers to a JSON schema. `completion`: it goes on with bare text. `logprobs`: it
 * tells how likely each token was. `penalties`: it writes less often what it wrote already.
 */
export const ABILITIES = ['schema', 'completion', 'logprobs', 'penalties'] as const;
export type Ability = (typeof ABILITIES)[number];

/** `embedding`: it turns texts into vectors. A model does that (`ModelAdvert.embeds`) or it chats. */
export const NEEDS = [...ABILITIES, 'embedding'] as const;
export type Need = (typeof NEEDS)[number];

/** What of a question decides who can answer it. */
export interface Demand {
  task?: TaskKind;
  schema?: string | undefined;
  logprobs?: number | undefined;
  sampling: Sampling;
}

/** Whoever answers must have all of these. */
export function needsOf({ task = 'chat', schema, logprobs, sampling }: Demand): Need[] {
  const { presencePenalty = 0, frequencyPenalty = 0 } = sampling;
  const needed: Record<Need, boolean> = {
    schema: schema !== undefined,
    completion: task === 'completion',
    logprobs: logprobs !== undefined,
    penalties: presencePenalty !== 0 || frequencyPenalty !== 0,
    embedding: task === 'embedding',
  };
  return NEEDS.filter((ability) => needed[ability]);
}

/** Can it all that is needed? `offered`: an advert, or what an engine says of itself. */
export function isAble(
  { abilities = [], embeds }: { abilities?: readonly Ability[] | undefined; embeds?: number | undefined },
  needs: readonly Need[],
): boolean {
  if ((embeds !== undefined) !== needs.includes('embedding')) return false;
  return needs.every((need) => need === 'embedding' || abilities.includes(need));
}

/** For a person: "hold it to a JSON schema". */
export function inWords(needs: readonly Need[]): string {
  return needs.map((ability) => WORDS[ability]).join(' and ');
}

/** What is said to whoever asked for more. */
export function unable(needs: readonly Need[]): MeshError {
  // Whoever asked for nothing but an answer.
  if (needs.length === 0) return new MeshError('unsupported', 'This model turns text into vectors and does not chat.');
  return new MeshError('unsupported', `This volunteer lends the model, but cannot ${inWords(needs)}.`);
}

const WORDS: Record<Need, string> = {
  schema: 'hold it to a JSON schema',
  completion: 'have it go on with bare text',
  logprobs: 'tell how likely each word was',
  penalties: 'keep it from repeating itself',
  embedding: 'have it turn text into vectors',
};
