/**
 * A witness, C2SP tlog-witness: it signs the checkpoints of the logs that it knows, each only if it continues the one
 * before. So two people who see this witness's signature see the same log.
 */
import type { CheckSignature } from '../base/ed25519.ts';
import { EMPTY_ROOT, sameBytes } from '../base/hashing.ts';
import { readCheckpoint, type Checkpoint } from '../note/checkpoint.ts';
import type { NoteKey, NoteSigner } from '../note/key.ts';
import { openNote, signText, writeNote, writeSignature, type OpenedNote } from '../note/note.ts';
import { provesConsistency } from '../tree/proof.ts';
import { readAddCheckpoint, SIZE_TYPE } from './add-checkpoint.ts';

/** The checkpoint that was signed last. */
export interface Witnessed {
  readonly size: number;
  readonly root: Uint8Array;
  /** When it was signed, in seconds since 1970. */
  readonly timeS: number;
  /** With the signatures of the log and of the witness: what `<origin hash>/checkpoint` serves. */
  readonly note: string;
}

/** What a witness remembers of each log. It is worth as much as its memory: who restores an old copy of it may sign a fork. */
export interface WitnessState {
  get(origin: string): Promise<Witnessed | null>;
  /**
   * In one step: if the last one is still `before`, by its size, root and time, it becomes `next`, durably. False: another
   * came first, and nothing has changed.
   */
  put(origin: string, before: Witnessed | null, next: Witnessed): Promise<boolean>;
}

/** Two checkpoints of one size, both signed by the log, that differ: whoever has both can show that the log lies. */
export interface Fork {
  readonly origin: string;
  readonly size: number;
  readonly seen: string;
  readonly shown: string;
}

export interface WitnessAnswer {
  readonly status: 200 | 400 | 403 | 404 | 409 | 422;
  readonly type: 'text/plain; charset=utf-8' | typeof SIZE_TYPE;
  readonly body: string;
  readonly fork: Fork | null;
}

export interface WitnessOptions {
  /** Keys of the kind `cosignature`, each of which signs. */
  readonly signers: readonly NoteSigner[];
  /** The keys of the log with this name. Empty: it is not one of ours. */
  readonly keysOf: (origin: string) => readonly NoteKey[];
  readonly state: WitnessState;
  /** Seconds since 1970. */
  readonly nowS: () => number;
  readonly check?: CheckSignature;
}

export class Witness {
  readonly #options: WitnessOptions;

  constructor(options: WitnessOptions) {
    if (options.signers.length === 0 || options.signers.some(({ key }) => key.type !== 'cosignature')) {
      throw new RangeError('A witness signs with keys of the kind cosignature.');
    }
    this.#options = options;
  }

  /** Answers the body of a request. Rejects only as the state or a signer does; nothing was signed then. */
  async addCheckpoint(body: Uint8Array): Promise<WitnessAnswer> {
    const { keysOf, check, state } = this.#options;
    const request = readAddCheckpoint(body);
    const next = request === null ? null : readCheckpoint(request.note.text);
    if (request === null || next === null) return refused(400, 'This is no request to add a checkpoint.');
    const keys = keysOf(next.origin);
    if (keys.length === 0) return refused(404, 'This witness does not know the log.');
    const opened = openNote(request.note, keys, check);
    if (opened === null) return refused(403, 'The checkpoint is not signed by a key of its log, or signed wrongly.');
    if (request.oldSize > next.size) return refused(400, 'The old size is larger than that of the checkpoint.');
    const last = await state.get(next.origin);
    if (request.oldSize !== (last?.size ?? 0)) return conflict(last);
    const old = { oldSize: request.oldSize, oldRoot: last?.root ?? EMPTY_ROOT };
    if (!provesConsistency(request.proof, { ...old, size: next.size, root: next.root })) {
      return { ...refused(422, 'The consistency proof does not verify.'), fork: forkOf(last, next, opened) };
    }
    return this.#sign(last, next, opened);
  }

  async #sign(last: Witnessed | null, { origin, size, root }: Checkpoint, opened: OpenedNote): Promise<WitnessAnswer> {
    const { signers, state, nowS } = this.#options;
    // A clock that was set back must not make a larger tree older than a smaller one.
    const timeS = Math.max(nowS(), last?.timeS ?? 1);
    const ours = await Promise.all(signers.map((signer) => signText(opened.text, signer, timeS)));
    const signatures = [...opened.checked.map(({ signature }) => signature), ...ours];
    const note = writeNote({ text: opened.text, signatures });
    // The signatures leave this function only once nobody can be given others that contradict them.
    if (!(await state.put(origin, last, { size, root, timeS, note }))) return conflict(await state.get(origin));
    return answer(200, ours.map((signature) => `${writeSignature(signature)}\n`).join(''));
  }
}

function answer(status: WitnessAnswer['status'], body: string): WitnessAnswer {
  return { status, type: status === 409 ? SIZE_TYPE : 'text/plain; charset=utf-8', body, fork: null };
}

function refused(status: WitnessAnswer['status'], why: string): WitnessAnswer {
  return answer(status, `${why}\n`);
}

function conflict(last: Witnessed | null): WitnessAnswer {
  return answer(409, `${last?.size ?? 0}\n`);
}

function forkOf(last: Witnessed | null, next: Checkpoint, opened: OpenedNote): Fork | null {
  if (last === null || last.size !== next.size || sameBytes(last.root, next.root)) return null;
  const shown = writeNote({ text: opened.text, signatures: opened.checked.map(({ signature }) => signature) });
  return { origin: next.origin, size: next.size, seen: last.note, shown };
}
