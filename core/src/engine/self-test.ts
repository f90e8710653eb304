/** Tests whether a model that was just loaded works here. Broken graphics kernels are common, and answer with nonsense. */
import { onAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Engine } from './engine.ts';
import { EngineWatch } from './engine-watch.ts';
import { MeshError } from '../base/errors.ts';
import type { Turn } from '../protocol.ts';
import { SpeedMeter } from './speed.ts';
import { promptBytes } from '../wire/turns.ts';

export interface KnownAnswer {
  question: string;
  answer: string;
  /** How many characters of it have to be right. Left out: every one, with nothing behind them. */
  characters?: number;
}

const TOKENS = 32;
const TOKENS_OF_A_KNOWN_ANSWER = 512;
const LOOK_MS = 1_000;

/** Resolves with tokens a second; null when the answer was too short to tell. Rejects with self_test_failed, and as `generate` does. */
export async function selfTest(
  engine: Pick<Engine<never>, 'generate'>,
  known: KnownAnswer | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | null> {
  const meter = new SpeedMeter();
  let text = '';
  const turns: Turn[] = [{ role: 'user', content: known?.question ?? 'Name three animals that live in a pond.' }];
  const maxTokens = known === null ? TOKENS : TOKENS_OF_A_KNOWN_ANSWER;
  const pieces = engine.generate({ turns, sampling: { temperature: 0 }, maxTokens }, signal);
  const bytesToRead = (pieces: number) => (pieces === 0 ? promptBytes(turns) : 0);
  await readWatched(pieces, bytesToRead, clock, signal, (piece) => {
    text += piece.text;
    meter.add(piece.tokens, clock.now());
  });
  if (known === null ? isNonsense(text) : !isRight(text, known)) {
    throw new MeshError(
      'self_test_failed',
      'The model wrote nonsense in its self-test on this device, so it is not used here. Try another model, or update the ' +
        'browser and the graphics driver.',
    );
  }
  return meter.overall();
}

/**
 * To the end, or rejects when the engine hangs: it may be broken enough for that, and nobody else looks yet. What hangs is
 * left as it is, for whoever closes the engine. `bytesToRead`: before the piece behind so many.
 */
export async function readWatched<T>(
  pieces: AsyncGenerator<T, unknown, undefined>,
  bytesToRead: (pieces: number) => number,
  clock: Clock,
  signal: AbortSignal,
  take: (piece: T) => void,
): Promise<void> {
  const watch = new EngineWatch();
  let come = 0;
  let stopLooking = () => {};
  const hung = new Promise<never>((_, reject) => {
    const look = () => {
      if (watch.hung(clock.now())) reject(hangs());
      else stopLooking = clock.after(LOOK_MS, look);
    };
    stopLooking = clock.after(LOOK_MS, look);
  });
  const stopListening = onAbort(signal, () => watch.stopping(clock.now()));
  try {
    for (;;) {
      watch.asked(clock.now(), bytesToRead(come));
      const next = await Promise.race([pieces.next(), hung]);
      watch.came(clock.now());
      if (next.done === true) return;
      come += 1;
      take(next.value);
    }
  } finally {
    stopListening();
    stopLooking();
  }
}

function hangs(): MeshError {
  return new MeshError(
    'engine_failed',
    'The model stopped answering in its self-test. Try again, or choose another model.',
  );
}

function isRight(text: string, { answer, characters }: KnownAnswer): boolean {
  return characters === undefined ? text === answer : text.startsWith(answer.slice(0, characters));
}

/** Whether it is nothing, or the same sign over and over, as broken kernels write. */
function isNonsense(text: string): boolean {
  return new Set(text.replace(/\s/g, '')).size < 3;
}
