/**
 * Which logs somebody believes, and how many witnesses must have signed: C2SP tlog-policy. The one file that a verifier
 * has to have from somewhere else than the log.
 */
import { LogError } from '../base/log-error.ts';
import { readKey, type KeyType, type NoteKey } from '../note/key.ts';

export const MAX_POLICY_BYTES = 65_536;
/** How many logs, witnesses and groups there may be, each; the specification asks for 32. */
const MAX_EACH = 64;
const NONE = 'none';
const LATIN = { tab: 9, newline: 10, space: 32, delete: 127 } as const;
const DECIMAL = /^[1-9]\d{0,3}$/;

export interface PolicyLog {
  readonly key: NoteKey;
  readonly url: string | null;
}

export interface PolicyWitness {
  /** It means something in this file only. */
  readonly name: string;
  readonly key: NoteKey;
  readonly url: string | null;
}

/** At least `needs` of these have to have signed. */
export interface Quorum {
  readonly needs: number;
  readonly of: readonly (PolicyWitness | Quorum)[];
}

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

/** Throws `bad_policy`, naming the line. */
export function readPolicy(bytes: Uint8Array): Policy {
  if (bytes.byteLength > MAX_POLICY_BYTES) throw bad(`The policy has more than ${MAX_POLICY_BYTES} bytes.`);
  if (bytes.some((byte) => !isAllowed(byte))) throw bad('The policy has a control character.');
  const reading = new Reading();
  octets(bytes)
    .split('\n')
    .forEach((line, i) => {
      const items = line.split(/[ \t]+/).filter((item) => item !== '');
      if (items.length > 0 && items[0]?.startsWith('#') !== true) reading.take(items, i + 1);
    });
  return reading.done();
}

/** Whether those who have signed are enough. */
export function isQuorum({ needs, of }: Quorum, signed: ReadonlySet<PolicyWitness>): boolean {
  return of.filter((member) => ('needs' in member ? isQuorum(member, signed) : signed.has(member))).length >= needs;
}

class Reading {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  /** Witnesses and groups, by their octets. */
  readonly #named = new Map<string, PolicyWitness | Quorum>();
  /** Names that are in a group: each counts in one way only. */
  readonly #grouped = new Set<string>();
  #groups = 0;
  #quorum: Quorum | null = null;

  take([word = '', ...rest]: readonly string[], line: number): void {
    if (word === 'log') this.#takeLog(rest, line);
    else if (word === 'witness') this.#takeWitness(rest, line);
    else if (word === 'group') this.#takeGroup(rest, line);
    else if (word === 'quorum') this.#takeQuorum(rest, line);
    else throw bad('A line begins with log, witness, group or quorum.', line);
  }

  done(): Policy {
    if (this.#quorum === null) throw bad('The policy has no quorum line. To ask for no witness, write: quorum none');
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: this.#quorum };
  }

  #takeLog([vkey, url, ...more]: readonly string[], line: number): void {
    if (vkey === undefined || more.length > 0) throw bad('Write: log <vkey> [<url>]', line);
    if (this.#logs.length >= MAX_EACH) throw bad(`There are more than ${MAX_EACH} logs.`, line);
    const key = keyOf(vkey, ['note', 'cosignature'], line);
    if (this.#logs.some((other) => isSameKey(other.key, key))) throw bad('This log is listed twice.', line);
    this.#logs.push({ key, url: url === undefined ? null : text(url, line) });
  }

  #takeWitness([name, vkey, url, ...more]: readonly string[], line: number): void {
    if (name === undefined || vkey === undefined || more.length > 0) {
      throw bad('Write: witness <name> <vkey> [<url>]', line);
    }
    if (this.#witnesses.length >= MAX_EACH) throw bad(`There are more than ${MAX_EACH} witnesses.`, line);
    // A key that signs any note could be made to sign what looks like a witness's word.
    const key = keyOf(vkey, ['cosignature'], line);
    if (this.#witnesses.some((other) => isSameKey(other.key, key))) throw bad('This witness is listed twice.', line);
    const witness = { name: text(name, line), key, url: url === undefined ? null : text(url, line) };
    this.#name(name, witness, line);
    this.#witnesses.push(witness);
  }

  #takeGroup([name, threshold, ...members]: readonly string[], line: number): void {
    if (name === undefined || threshold === undefined || members.length === 0) {
      throw bad('Write: group <name> all|any|<number> <name>...', line);
    }
    this.#groups += 1;
    if (this.#groups > MAX_EACH) throw bad(`There are more than ${MAX_EACH} groups.`, line);
    const needs = threshold === 'all' ? members.length : threshold === 'any' ? 1 : Number(threshold);
    const isCount = threshold === 'all' || threshold === 'any' || DECIMAL.test(threshold);
    if (!isCount || needs > members.length) {
      throw bad('A group needs between 1 and all of its members: all, any, or a number.', line);
    }
    const of = members.map((member) => {
      const found = this.#named.get(member);
      if (found === undefined) throw bad('A group has members that are named on earlier lines.', line);
      if (this.#grouped.has(member)) throw bad('A witness or a group can be in one group only, and once.', line);
      this.#grouped.add(member);
      return found;
    });
    this.#name(name, { needs, of }, line);
  }

  #takeQuorum([name, ...more]: readonly string[], line: number): void {
    if (name === undefined || more.length > 0) throw bad('Write: quorum <name>', line);
    if (this.#quorum !== null) throw bad('There is more than one quorum line.', line);
    const found = name === NONE ? { needs: 0, of: [] } : this.#named.get(name);
    if (found === undefined) throw bad('The quorum is a witness or a group that is named on an earlier line.', line);
    this.#quorum = 'needs' in found ? found : { needs: 1, of: [found] };
  }

  #name(name: string, what: PolicyWitness | Quorum, line: number): void {
    if (name === NONE) throw bad('The name none means that no witness is asked for.', line);
    if (this.#named.has(name)) throw bad('This name is given twice.', line);
    this.#named.set(name, what);
  }
}

function keyOf(vkey: string, types: readonly KeyType[], line: number): NoteKey {
  const key = readKey(text(vkey, line));
  if (key === null) throw bad('This is no verifier key of a kind that is understood here: Ed25519.', line);
  if (!types.includes(key.type)) throw bad('A witness has a key of type 0x04: its Base64 begins with B.', line);
  return key;
}

/** They are the same if the same secret signs for both, whatever they are called. */
function isSameKey(a: NoteKey, b: NoteKey): boolean {
  return a.publicKey.every((byte, i) => byte === b.publicKey[i]);
}

function isAllowed(byte: number): boolean {
  return byte === LATIN.tab || byte === LATIN.newline || (byte >= LATIN.space && byte !== LATIN.delete);
}

/** One character for each octet: names are compared so, and two that only look alike differ. */
function octets(bytes: Uint8Array): string {
  let read = '';
  for (const byte of bytes) read += String.fromCharCode(byte);
  return read;
}

/** What octets say as UTF-8. */
function text(item: string, line: number): string {
  const bytes = Uint8Array.from(item, (char) => char.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw bad('This line is not written in UTF-8.', line, error);
  }
}

function bad(why: string, line?: number, cause?: unknown): LogError {
  const where = line === undefined ? '' : `Line ${line} of the policy: `;
  return new LogError('bad_policy', `${where}${why}`, { cause });
}
