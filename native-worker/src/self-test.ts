/** Does this model write anything here, and how fast? Asked before anyone is told that it can. */
import type { Engine } from '@llmesh/core/engine';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/errors';
import { SpeedMeter } from '@llmesh/core/speed';

const QUESTION = 'What is LLMesh?';
const TOKENS = 32;

/** Tokens a second; null when the answer was too short to tell. Throws self_test_failed, or cancelled. */
export async function selfTest<M>(engine: Engine<M>, signal: AbortSignal): Promise<number | null> {
  const meter = new SpeedMeter();
  try {
    const request = {
      turns: [{ role: 'user' as const, content: QUESTION }],
      sampling: { temperature: 0 },
      maxTokens: TOKENS,
    };
    for await (const piece of engine.generate(request, signal)) meter.add(piece.tokens, performance.now());
  } catch (thrown) {
    if (signal.aborted) throw cancelled();
    throw asMeshError(thrown, 'self_test_failed', 'The model failed its self-test. Try --gpu off, or another model.');
  }
  if (meter.tokens === 0) {
    throw new MeshError(
      'self_test_failed',
      'The model wrote nothing in its self-test. Is it made for chat? Try --gpu off, or another model.',
    );
  }
  return meter.overall();
}
