/** A log as a stranger reads it, with nothing but a policy and a way to fetch its files. */
import type { CheckSignature } from '../base/ed25519.ts';
import { LogError } from '../base/log-error.ts';
import type { Checkpoint } from '../note/checkpoint.ts';
import { MAX_NOTE_BYTES } from '../note/note.ts';
import { judge, type Judged } from '../witness/judge.ts';
import type { Policy } from '../witness/policy.ts';
import { VerifiedTree, type ReadOptions } from './verified-tree.ts';

export interface LogReaderOptions extends ReadOptions {
  readonly policy: Policy;
  readonly check?: CheckSignature;
}

export class LogReader {
  readonly #options: LogReaderOptions;

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** The log's newest checkpoint, and whether it is final. Rejects as `judge` does, and with `missing`. */
  async checkpoint(signal: AbortSignal): Promise<Judged> {
    const { fetch, policy, check } = this.#options;
    const bytes = await fetch('checkpoint', MAX_NOTE_BYTES, signal);
    if (bytes === null) throw new LogError('missing', 'There is no checkpoint at this address: it may be no log.');
    return judge(policy, bytes, check);
  }

  /**
   * The tree of a checkpoint that somebody judged. `earlier`: what was seen of this log before; where the new tree does
   * not continue it, this rejects with `inconsistent`: the log has changed its past.
   */
  async tree(checkpoint: Checkpoint, signal: AbortSignal, earlier?: Checkpoint): Promise<VerifiedTree> {
    const tree = await VerifiedTree.open(checkpoint, this.#options, signal);
    if (earlier !== undefined && !(await tree.continues(earlier))) {
      throw new LogError(
        'inconsistent',
        `The log does not continue what was seen of it before: its first ${earlier.size} entries have another root. Keep both checkpoints: together they show that its past was changed.`,
      );
    }
    return tree;
  }
}
