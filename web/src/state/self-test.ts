/** Does a model that was just loaded work on this device? Broken graphics kernels are common, and answer with nonsense. */
import type { Engine } from '@llmesh/core/engine';
import { MeshError } from '@llmesh/core/errors';
import type { Clock } from '@llmesh/core/clock';
import { SpeedMeter } from '@llmesh/core/speed';

export interface KnownAnswer {
  question: string;
  answer: string;
}

const TOKENS = 32;
const TOKENS_OF_A_KNOWN_ANSWER = 512;

/** Tokens a second; null when the answer was too short to tell. Rejects with self_test_failed. */
export async function selfTest(
  engine: Pick<Engine<never>, 'generate'>,
  known: KnownAnswer | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | null> {
  const meter = new SpeedMeter();
  let text = '';
  const pieces = engine.generate(
    {
      turns: [{ role: 'user', content: known?.question ?? 'Name three animals that live in a pond.' }],
      sampling: { temperature: 0 },
      maxTokens: known === null ? TOKENS : TOKENS_OF_A_KNOWN_ANSWER,
    },
    signal,
  );
  for await (const piece of pieces) {
    text += piece.text;
    meter.add(piece.tokens, clock.now());
  }
  if (known === null ? isNonsense(text) : text !== known.answer) {
    throw new MeshError(
      'self_test_failed',
      'This device wrote nonsense when the model was tried, so nothing is lent. Try another model, or update the browser ' +
        'and the graphics driver.',
    );
  }
  return meter.overall();
}

/** Nothing, or the same sign over and over: what broken kernels write. */
function isNonsense(text: string): boolean {
  return new Set(text.replace(/\s/g, '')).size < 3;
}
