/** Whether llama.cpp can enforce the grammar of a stranger's schema, tried where it can be ended. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { createHash } from 'node:crypto';
import { untilAborted } from '@llmesh/core/base/abort';
import { MeshError } from '@llmesh/core/base/errors';
import { ContainedFailure, type ContainedProcess } from './contained-process.ts';

/** The same few are asked for again and again. */
const MAX_REMEMBERED = 1_000;

export class GrammarTrial {
  readonly #process: Pick<ContainedProcess, 'run'>;
  /** The verdicts by the grammars' checksums; the one that was asked for longest ago comes first. */
  readonly #verdicts = new BoundedMap<string, Promise<void>>(MAX_REMEMBERED);

  constructor(process: Pick<ContainedProcess, 'run'>) {
    this.#process = process;
  }

  /**
   * Tries the grammar after `delivered`, the answer so far. Rejects with bad_schema; busy, when there was no verdict; cancelled.
   */
  async check(grammar: string, delivered: string, signal: AbortSignal): Promise<void> {
    const key = createHash('sha256')
      .update(JSON.stringify([grammar, delivered]))
      .digest('base64');
    const verdict = this.#verdicts.get(key) ?? this.#try(key, grammar, delivered);
    this.#verdicts.set(key, verdict);
    await untilAborted(verdict, signal);
  }

  #try(key: string, grammar: string, delivered: string): Promise<void> {
    return this.#process.run({ kind: 'grammar', grammar, delivered }).then(
      () => {},
      (thrown: unknown) => {
        const error = verdictOf(thrown);
        // The computer's own trouble may pass.
        if (error.code !== 'bad_schema') this.#verdicts.delete(key);
        throw error;
      },
    );
  }
}

function verdictOf(thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  if (thrown instanceof ContainedFailure && (thrown.why === 'too_much' || thrown.why === 'crashed')) {
    return new MeshError('bad_schema', 'This JSON schema costs too much to enforce. Make it simpler.', {
      cause: thrown,
    });
  }
  return new MeshError('busy', 'This volunteer could not check the JSON schema in time. Ask again, or ask another.', {
    cause: thrown,
  });
}
