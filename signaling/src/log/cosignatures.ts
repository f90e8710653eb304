/** Gathers what witnesses sign under our newest checkpoints, until there is enough for the policy. */
import type { NoteKey } from '@llmesh/log/note/key';
import { openNote, readNote, writeNote, type Note, type NoteSignature } from '@llmesh/log/note/note';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { Signed } from './log-writer.ts';

/** A slow witness signs one of these still, and the newest that is complete counts. */
const MAX_OPEN = 8;
/** Peers that the policy does not name sign for themselves and for whoever trusts them: some, not all, fit into a note. */
const MAX_OTHERS = 8;

/** What the policy asks for: the keys of its witnesses, and whether these among them are enough. */
export interface Quorum {
  readonly keys: readonly NoteKey[];
  isMet(by: ReadonlySet<NoteKey>): boolean;
}

interface Open {
  readonly signed: Signed;
  readonly note: Note;
  readonly by: Map<NoteKey, NoteSignature>;
  readonly others: Map<string, NoteSignature>;
}

export class Cosignatures {
  readonly #quorum: Quorum;
  readonly #complete: (signed: Signed, note: string) => void;
  readonly #open = new Map<number, Open>();
  #final = 0;

  /** `complete`: enough have signed; the sizes only rise. */
  constructor(quorum: Quorum, complete: (signed: Signed, note: string) => void) {
    this.#quorum = quorum;
    this.#complete = complete;
  }

  /** A new checkpoint of ours. It is complete at once where the policy asks for nobody. */
  begin(signed: Signed): void {
    const note = readNote(Buffer.from(signed.note));
    if (note === null) throw new RangeError('A checkpoint of ours cannot be read.');
    const open = { signed, note, by: new Map(), others: new Map() };
    this.#open.set(signed.checkpoint.size, open);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
    this.#look(open);
  }

  /** A witness's lines under the checkpoint of this size. `own`: the key of the peer that sent it. False: none is right. */
  add(size: number, lines: string, own: NoteKey | null = null): boolean {
    const open = this.#open.get(size);
    if (open === undefined) return false;
    const { keys } = this.#quorum;
    const known = own === null ? keys : [...keys, own];
    const read = readNote(Buffer.from(`${open.note.text}\n${lines}`));
    const checked = read === null ? null : openNote(read, known, nodeVerify);
    if (checked === null) return false;
    for (const { key, signature } of checked.checked) {
      if (keys.includes(key)) open.by.set(key, signature);
      else if (open.others.size < MAX_OTHERS) open.others.set(key.name, signature);
    }
    this.#look(open);
    return true;
  }

  #look({ signed, note, by, others }: Open): void {
    const { size } = signed.checkpoint;
    if (size <= this.#final || !this.#quorum.isMet(new Set(by.keys()))) return;
    this.#final = size;
    this.#complete(
      signed,
      writeNote({ ...note, signatures: [...note.signatures, ...by.values(), ...others.values()] }),
    );
    // The sizes only rise: earlier ones are of no more use, and later signatures may still come for this one.
    for (const before of this.#open.keys()) if (before < size) this.#open.delete(before);
  }
}
