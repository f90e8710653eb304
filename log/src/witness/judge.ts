/** What a policy makes of a checkpoint. */
import type { CheckSignature } from '../base/ed25519.ts';
import { LogError } from '../base/log-error.ts';
import { readCheckpoint, type Checkpoint } from '../note/checkpoint.ts';
import { openNote, readNote, type Note } from '../note/note.ts';
import { isQuorum, type Policy, type PolicyLog, type PolicyWitness } from './policy.ts';

export interface Judged {
  readonly checkpoint: Checkpoint;
  readonly note: Note;
  /** The log that signed it. */
  readonly log: PolicyLog;
  /** The witnesses that signed it, and when each last did, in seconds since 1970. */
  readonly witnesses: readonly { readonly witness: PolicyWitness; readonly timeS: number }[];
  /** Enough of them did. */
  readonly final: boolean;
}

/** Throws `malformed` for what is no signed checkpoint, `unsigned` where no log of the policy has signed it, rightly. */
export function judge(policy: Policy, bytes: Uint8Array, check?: CheckSignature): Judged {
  const note = readNote(bytes);
  const checkpoint = note === null ? null : readCheckpoint(note.text);
  if (note === null || checkpoint === null) throw new LogError('malformed', 'This is no signed checkpoint.');
  // A key speaks for the log that has its name, and for no other.
  const logs = policy.logs.filter(({ key }) => key.name === checkpoint.origin);
  const keys = [...logs, ...policy.witnesses].map(({ key }) => key);
  const opened = openNote(note, keys, check);
  const log = logs.find((candidate) => opened?.checked.some(({ key }) => key === candidate.key));
  if (opened === null || log === undefined) {
    throw new LogError(
      'unsigned',
      `The checkpoint of ${JSON.stringify(checkpoint.origin)} is not signed by a log that the policy names, or one of its signatures is wrong.`,
    );
  }
  const witnesses = policy.witnesses.flatMap((witness) => {
    const times = opened.checked.flatMap(({ key, timeS }) => (key === witness.key && timeS !== null ? [timeS] : []));
    return times.length > 0 ? [{ witness, timeS: Math.max(...times) }] : [];
  });
  const final = isQuorum(policy.quorum, new Set(witnesses.map(({ witness }) => witness)));
  return { checkpoint, note, log, witnesses, final };
}
