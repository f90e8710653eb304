/** Abilities that not every provider has, and those that a question needs. */
import { MeshError } from '../base/errors.ts';
import type { TaskName } from '../base/ids.ts';
import { attestorOf, type Attestation } from '../wire/attestation.ts';
import { type Adapter, type AdapterBase, type Ability, CHAT, EMBEDDING } from '../wire/model-advert.ts';

/** What the provider must have: all of these, and the adapter. */
export interface Needs {
  /** The kind of task that it is offered for. Left out: `chat`. */
  task?: TaskName | undefined;
  needs?: readonly Ability[] | undefined;
  /** The SHA-256 of the adapter's file. Left out: the model answers as it is. */
  adapter?: string | undefined;
  /** Whoever asks has the adapter's file and gives it to whoever takes it. Left out: no. */
  bringsAdapter?: boolean | undefined;
  /** The SHA-256 of the model's own file; null: one without a stated hash. Left out: any. */
  sha256?: string | null | undefined;
  /** It says that this vendor or system vouches for it; null: that any does. Left out: nobody has to. */
  attestedBy?: string | null | undefined;
}

/** What an advert says that a provider can do. */
export interface Offered {
  task?: TaskName | undefined;
  abilities?: readonly Ability[] | undefined;
  adapters?: readonly Adapter[] | undefined;
  fetchesAdapters?: boolean | undefined;
  takesAdapters?: AdapterBase | undefined;
  sha256?: string | null | undefined;
  attestation?: Attestation | undefined;
}

/** Does the offer meet all the needs? */
export function isAble(
  {
    task: offeredAs,
    abilities = [],
    adapters,
    fetchesAdapters,
    takesAdapters,
    sha256: file = null,
    attestation,
  }: Offered,
  { task, needs = [], adapter, bringsAdapter, sha256, attestedBy }: Needs,
): boolean {
  if (sha256 !== undefined && sha256 !== file) return false;
  if ((offeredAs ?? CHAT) !== (task ?? CHAT)) return false;
  const by = attestorOf(attestation);
  if (attestedBy !== undefined && (by === null || (attestedBy !== null && attestedBy !== by))) return false;
  const has = adapter === undefined || adapters?.some(({ sha256 }) => sha256 === adapter) === true;
  const gets = fetchesAdapters === true || (bringsAdapter === true && takesAdapters !== undefined);
  if (!has && !gets) return false;
  return needs.every((need) => abilities.includes(need));
}

/** The needs in words for a person: "enforce a JSON schema". Empty: every provider can do this. */
export function inWords({ task = CHAT, needs = [], adapter, bringsAdapter, attestedBy }: Needs): string {
  const words = needs.map((ability) => WORDS[ability]);
  if (task === EMBEDDING) words.push('turn text into vectors');
  else if (task !== CHAT) words.push(`do tasks of the kind "${task}"`);
  if (adapter !== undefined)
    words.push(bringsAdapter === true ? 'answer with an adapter of yours' : 'answer with this adapter');
  if (attestedBy !== undefined) words.push(`prove by ${attestedBy ?? 'hardware or a proof'} what it runs`);
  return words.join(' and ');
}

/** The error for a requester that needs more than this provider can do. */
export function unable(needs: Needs): MeshError {
  const words = inWords(needs);
  // A plain question reached a model that cannot chat.
  if (words === '') return new MeshError('unsupported', 'As this volunteer lends it, this model does not chat.');
  return new MeshError('unsupported', `This volunteer lends the model, but cannot ${words}.`);
}

const WORDS: Record<Ability, string> = {
  schema: 'enforce a JSON schema',
  completion: 'continue bare text',
  logprobs: 'say how likely each word was',
  penalties: 'penalise repetition',
  tools: 'call functions',
  thinking: 'think before it speaks',
  sampling: 'choose words by "top_k", "min_p" or "repeat_penalty"',
  logit_bias: 'make single tokens likelier',
  audit: 'check what others answered',
};
