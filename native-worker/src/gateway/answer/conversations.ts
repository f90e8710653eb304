/** Who answered last in a conversation: a client sends it whole each time, and that provider need not read it again. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { createHash } from 'node:crypto';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Turn } from '@llmesh/core/protocol';

const MAX_REMEMBERED = 1_024;

export class Conversations {
  /** The providers by a hash of model and turns: no word of these is kept. The latest comes last. */
  readonly #answered = new BoundedMap<string, PeerId>(MAX_REMEMBERED);

  answered(model: string, turns: readonly Turn[], by: PeerId): void {
    const name = nameOf(model, turns);
    this.#answered.set(name, by);
  }

  /** Null: nobody is known to have answered. */
  lastIn(model: string, turns: readonly Turn[]): PeerId | null {
    // Since then came the answer, and the next question or any number of results.
    const answer = turns.findLastIndex(({ role }) => role === 'assistant');
    return answer <= 0 ? null : (this.#answered.get(nameOf(model, turns.slice(0, answer))) ?? null);
  }
}

function nameOf(model: string, turns: readonly Turn[]): string {
  const said = JSON.stringify([model, turns.map(({ role, content, calls = [] }) => [role, content, calls])]);
  return createHash('sha256').update(said).digest('base64');
}
