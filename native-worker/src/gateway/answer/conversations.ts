/** Who answered last in a conversation: a client sends it whole each time, and that volunteer need not read it again. */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { createHash } from 'node:crypto';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Turn } from '@llmesh/core/protocol';

const MAX_REMEMBERED = 1_024;
/** The answer, and the question behind it. */
const TURNS_SINCE = 2;

export class Conversations {
  /** By a hash of the model and the turns: no word of them is kept. The latest last. */
  readonly #answered = new BoundedMap<string, PeerId>(MAX_REMEMBERED);

  answered(model: string, turns: readonly Turn[], by: PeerId): void {
    const name = nameOf(model, turns);
    this.#answered.set(name, by);
  }

  /** Null: nobody that is known. */
  lastIn(model: string, turns: readonly Turn[]): PeerId | null {
    if (turns.length <= TURNS_SINCE) return null;
    return this.#answered.get(nameOf(model, turns.slice(0, -TURNS_SINCE))) ?? null;
  }
}

function nameOf(model: string, turns: readonly Turn[]): string {
  const said = JSON.stringify([model, turns.map(({ role, content }) => [role, content])]);
  return createHash('sha256').update(said).digest('base64');
}
