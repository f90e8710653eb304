/** Tests whether a model that was just loaded makes sensible vectors here. */
import type { Clock } from '../base/clock.ts';
import type { Embedder, TextVector } from './engine.ts';
import { MeshError } from '../base/errors.ts';
import { readWatched } from './self-test.ts';

const TEXT = 'A frog sits in the pond.';
const OTHER = 'The invoice is due on Friday.';
/** How alike two unit vectors must be. A graphics card may add in another order each time. */
const SAME = 0.999;

/** Embeds the same text twice, and another one. Rejects with self_test_failed, and as `embed` does. */
export async function testEmbedder(
  embedder: Pick<Embedder<never>, 'embed'>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const vectors: Float32Array[] = [];
  const made = embedder.embed([TEXT, OTHER, TEXT], signal);
  const take = ({ vector }: TextVector) => vectors.push(vector);
  await readWatched(made, () => TEXT.length, clock, signal, take);
  const [first, other, again] = vectors;
  // A vector that is not finite is unlike everything, itself included; so is a vector of zeros.
  if (first !== undefined && other !== undefined && again !== undefined) {
    if (likeness(first, again) > SAME && likeness(first, other) <= SAME) return;
  }
  throw new MeshError(
    'self_test_failed',
    'The model made meaningless vectors in its self-test. Try --gpu off, or another model.',
  );
}

function likeness(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, number, i) => sum + number * (b[i] ?? Number.NaN), 0);
}
