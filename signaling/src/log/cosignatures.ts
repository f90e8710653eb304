/** Gathers what witnesses sign under our newest checkpoints, until there is enough for the policy. */
import type { NoteKey } from '@llmesh/log/note/key';
import { openNote, readNote, writeNote, type Note } from '@llmesh/log/note/note';
import { withCosignatures } from '@llmesh/log/witness/add-checkpoint';
import { isQuorum, type Policy } from '@llmesh/log/witness/policy';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { Signed } from './log-writer.ts';

/** A slow witness signs one of these still, and the newest that is complete counts. */
const MAX_OPEN = 8;
/** Peers that the policy does not name sign for themselves and for whoever trusts them: some, not all, fit into a note. */
const MAX_OTHERS = 8;

interface Open {
  readonly signed: Signed;
  /** With all signatures so far. */
  note: Note;
  /** Signatures by keys that the policy does not name. */
  others: number;
}

export class Cosignatures {
  readonly #policy: Policy;
  readonly #keys: readonly NoteKey[];
  readonly #complete: (signed: Signed, note: string) => void;
  readonly #open = new Map<number, Open>();
  #final = 0;

  /** `complete`: enough have signed; the sizes only rise. */
  constructor(policy: Policy, complete: (signed: Signed, note: string) => void) {
    this.#policy = policy;
    this.#keys = policy.witnesses.map(({ key }) => key);
    this.#complete = complete;
  }

  /** A new checkpoint of ours. It is complete at once where the policy asks for nobody. */
  begin(signed: Signed): void {
    const note = readNote(Buffer.from(signed.note));
    if (note === null) throw new RangeError('A checkpoint of ours cannot be read.');
    const open = { signed, note, others: 0 };
    this.#open.set(signed.checkpoint.size, open);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    this.#look(open);
  }

  /** Whether a checkpoint of this size still gathers signatures. */
  gathers(size: number): boolean {
    return this.#open.has(size);
  }

  /**
   * A witness's lines under the checkpoint of this size. `own`: the key of the peer that sent them. False: none is right, or
   * one is wrong.
   */
  add(size: number, lines: string, own: NoteKey | null = null): boolean {
    const open = this.#open.get(size);
    if (open === undefined) return false;
    const body = Buffer.from(lines);
    const ours = withCosignatures(open.note, body, this.#keys, nodeVerify);
    if (ours !== null) open.note = ours;
    else if (own === null) return false;
    else {
      const others = withCosignatures(open.note, body, [own], nodeVerify);
      if (others === null) return false;
      const more = others.signatures.length - open.note.signatures.length;
      if (open.others + more <= MAX_OTHERS) {
        open.note = others;
        open.others += more;
      }
    }
    this.#look(open);
    return true;
  }

  #look({ signed, note }: Open): void {
    const { size } = signed.checkpoint;
    if (size <= this.#final || !isEnough(this.#policy, note)) return;
    this.#final = size;
    this.#complete(signed, writeNote(note));
    // The sizes only rise, and later signatures may still come for this one.
    for (const before of this.#open.keys()) if (before < size) this.#open.delete(before);
  }
}

/** Whether enough witnesses have signed it, rightly. */
export function isEnough({ witnesses, quorum }: Policy, note: Note): boolean {
  const keys = witnesses.map(({ key }) => key);
  const by = new Set(openNote(note, keys, nodeVerify)?.checked.map(({ key }) => key));
  return isQuorum(quorum, new Set(witnesses.filter(({ key }) => by.has(key))));
}
