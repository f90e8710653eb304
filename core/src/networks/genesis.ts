/**
 * What a network is founded on: a record that its founder signs once and nobody can change after. The id of the network is
 * its hash, so whoever knows the id recognises the genesis, whatever server shows it; another word in it is another network.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concatBytes } from '@noble/hashes/utils.js';
import * as v from 'valibot';
import { toBase32 } from '../base/base32.ts';
import { isContentId, isTaskName, type ContentId, type NetworkId, type PeerId, type TaskName } from '../base/ids.ts';
import { isLabel } from '../base/label.ts';
import { contradiction, isParameter, PARAMETERS, type ParameterName } from '../governance/parameters.ts';
import { verify, type Identity } from '../identity/identity.ts';
import { openRecord, partsOf, signRecord } from '../identity/signed-record.ts';
import { MAX_GENESIS_BYTES } from '../wire/fields.ts';
import { canonical, readCanonical } from '../wire/canonical.ts';

const VERSION = 1;
export const MAX_NETWORK_NAME = 64;
export const MAX_CREDIT_NAME = 32;
export const MAX_CREDIT_SYMBOL = 8;
export const MAX_TASK_KINDS = 32;
export const MAX_WITNESSES = 16;
/** One line of a signed note's key: a name, a hash, and a key in base64. */
const MAX_WITNESS_KEY = 256;
const ID_BYTES = 20;
const ID_PURPOSE = new TextEncoder().encode('llmesh/1/network\0');

/** What credits are called, and for what the network gives them out, in per cent that add up to 100. */
export interface CreditTerms {
  readonly name: string;
  readonly symbol: string;
  readonly uptime: number;
  readonly tasks: number;
  readonly governance: number;
}

/** Who has to sign the log beside the control plane: keys as signed notes write them, and how many of these. */
export interface WitnessTerms {
  readonly keys: readonly string[];
  readonly quorum: number;
}

/** What the founder decides. */
export interface GenesisTerms {
  readonly name: string;
  /** The kinds of task that it is for, in alphabetical order. */
  readonly kinds: readonly TaskName[];
  /** Parameters that begin with another value than usual. Votes change them within the usual bounds. */
  readonly parameters: ReadonlyMap<ParameterName, number>;
  readonly credit: CreditTerms;
  readonly witnesses: WitnessTerms;
  /** The SHA-256 of the network's own logic; null: it has none beside the kinds that everyone has. */
  readonly logic: ContentId | null;
  /** Only those whom the founder, or somebody the founder named, has invited come in. */
  readonly isPrivate: boolean;
  /** Milliseconds since 1970, by the founder's clock. */
  readonly foundedMs: number;
}

export interface Genesis extends GenesisTerms {
  readonly network: NetworkId;
  readonly founder: PeerId;
  /** As its founder signed it. */
  readonly bytes: Uint8Array;
}

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const perCent = v.pipe(whole, v.maxValue(100));
const label = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most), v.check(isLabel));
const sorted = <T>(names: readonly T[], key: (one: T) => string) =>
  names.every((name, i) => i === 0 || key(names[i - 1]!) < key(name));
const GenesisSchema = v.strictTuple([
  v.literal(VERSION),
  label(MAX_NETWORK_NAME),
  v.pipe(
    v.array(v.custom<TaskName>(isTaskName)),
    v.minLength(1),
    v.maxLength(MAX_TASK_KINDS),
    v.check((kinds) => sorted(kinds, (kind) => kind)),
  ),
  v.pipe(
    v.array(v.strictTuple([v.custom<ParameterName>((name) => typeof name === 'string' && isParameter(name)), whole])),
    v.maxLength(Object.keys(PARAMETERS).length),
    v.check((pairs) => sorted(pairs, ([name]) => name)),
    v.check((pairs) => pairs.every(([name, value]) => PARAMETERS[name].min <= value && value <= PARAMETERS[name].max)),
    v.check((pairs) => contradictionIn(new Map(pairs)) === null),
  ),
  v.pipe(
    v.strictTuple([label(MAX_CREDIT_NAME), v.pipe(v.string(), v.regex(/^[A-Z0-9]{1,8}$/)), perCent, perCent, perCent]),
    v.check(([, , uptime, tasks, governance]) => uptime + tasks + governance === 100),
  ),
  v.pipe(
    v.strictTuple([
      v.pipe(
        v.array(label(MAX_WITNESS_KEY)),
        v.maxLength(MAX_WITNESSES),
        v.check((keys) => sorted(keys, (key) => key)),
      ),
      whole,
    ]),
    v.check(([keys, quorum]) => quorum <= keys.length),
  ),
  v.nullable(v.custom<ContentId>(isContentId)),
  v.boolean(),
  whole,
]);

/** Rejects with a RangeError for terms that `readGenesis` would refuse: a founder is told before by `faultIn`. */
export async function signGenesis(terms: GenesisTerms, founder: Identity): Promise<Uint8Array<ArrayBuffer>> {
  const fault = faultIn(terms);
  if (fault !== null) throw new RangeError(fault);
  return signRecord('genesis', canonical(fieldsOf(terms)), founder);
}

/** The genesis, signed by its founder; null: these bytes are none. Signatures are checked last, `check`: as strict as `verify`. */
export function readGenesis(bytes: Uint8Array, check = verify): Genesis | null {
  const unchecked = openRecord('genesis', bytes, MAX_GENESIS_BYTES, () => true);
  const fields = unchecked === null ? null : readCanonical(GenesisSchema, unchecked.body);
  if (fields === null) return null;
  const record = openRecord('genesis', bytes, MAX_GENESIS_BYTES, check);
  if (record === null) return null;
  const [, name, kinds, parameters, [credit, symbol, uptime, tasks, governance], [keys, quorum], logic, ...rest] =
    fields;
  return {
    network: networkIdOf(bytes),
    founder: record.signer,
    bytes: new Uint8Array(bytes),
    ...{ name, kinds, logic, parameters: new Map(parameters), isPrivate: rest[0], foundedMs: rest[1] },
    credit: { name: credit, symbol, uptime, tasks, governance },
    witnesses: { keys, quorum },
  };
}

/**
 * The first 160 bits of a SHA-256 of the founder's key and the terms, as for peer ids; not of the signature, of which one key can
 * make several for the same terms.
 */
export function networkIdOf(genesis: Uint8Array): NetworkId {
  const [founder, , body] = partsOf(genesis);
  const hash = sha256(concatBytes(ID_PURPOSE, founder, body));
  return `net_${toBase32(hash.subarray(0, ID_BYTES))}` as NetworkId;
}

/** What is wrong with the terms, as a sentence for the founder; null: nothing. */
export function faultIn(terms: GenesisTerms): string | null {
  const { name, credit, kinds, parameters, witnesses, logic } = terms;
  const { uptime, tasks, governance } = credit;
  if (!v.is(GenesisSchema.items[1], name)) return `A network's name has 1 to ${MAX_NETWORK_NAME} visible characters.`;
  if (!v.is(label(MAX_CREDIT_NAME), credit.name))
    return `A credit's name has 1 to ${MAX_CREDIT_NAME} visible characters.`;
  if (!/^[A-Z0-9]{1,8}$/.test(credit.symbol))
    return `A credit's symbol has 1 to ${MAX_CREDIT_SYMBOL} capital letters or digits, as STR.`;
  if (![uptime, tasks, governance].every((part) => v.is(perCent, part)) || uptime + tasks + governance !== 100)
    return 'A distribution has whole per cents that add up to 100, as uptime:40,tasks:40,governance:20.';
  if (!v.is(GenesisSchema.items[2], kinds))
    return `A network has 1 to ${MAX_TASK_KINDS} kinds of task, each once: small letters, digits and hyphens.`;
  if (!v.is(GenesisSchema.items[3], pairsOf(parameters)))
    return contradictionIn(parameters) ?? 'A parameter is outside of its bounds: "llmesh votes" lists them.';
  if (!v.is(GenesisSchema.items[5], [witnesses.keys, witnesses.quorum]))
    return `A network has at most ${MAX_WITNESSES} witnesses, and needs no more of them than it names.`;
  if (logic !== null && !isContentId(logic)) return 'Logic is named by its SHA-256, in hex.';
  return v.is(GenesisSchema.items[8], terms.foundedMs) ? null : 'The clock of this computer is wrong.';
}

function fieldsOf(terms: GenesisTerms): readonly unknown[] {
  const { name, kinds, parameters, witnesses, logic, isPrivate, foundedMs } = terms;
  const { name: credit, symbol, uptime, tasks, governance } = terms.credit;
  const money = [credit, symbol, uptime, tasks, governance];
  return [
    VERSION,
    name,
    kinds,
    pairsOf(parameters),
    money,
    [witnesses.keys, witnesses.quorum],
    logic,
    isPrivate,
    foundedMs,
  ];
}

/** In the one order that counts. */
function pairsOf(parameters: ReadonlyMap<ParameterName, number>): [ParameterName, number][] {
  return [...parameters].sort(([a], [b]) => (a < b ? -1 : 1));
}

function contradictionIn(parameters: ReadonlyMap<ParameterName, number>): string | null {
  return contradiction((name) => parameters.get(name) ?? PARAMETERS[name].initial);
}
