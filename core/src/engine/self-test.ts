/** Tests whether a model that was just loaded works here. Broken graphics kernels are common, and answer with nonsense. */
import { onAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Engine } from './engine.ts';
import { EngineWatch } from './engine-watch.ts';
import { MeshError } from '../base/errors.ts';
import type { Turn } from '../protocol.ts';
import { isProven, LONG_QUESTION, passes, QUIZ, type QuizAnswer, type RecordedAnswer } from './quiz.ts';
import { SpeedMeter } from './speed.ts';
import { promptBytes } from '../wire/turns.ts';

/** What a model must answer, word for word. */
export interface KnownAnswer {
  question: string;
  answer: string;
  /** How many characters of it have to be right. Left out: every one, with nothing behind them. */
  characters?: number;
}

/** What is expected of a model whose answers nobody knows by heart. */
export interface Expected {
  /** It is made for chat: see `passes`. */
  instructed: boolean;
  recorded: readonly RecordedAnswer[];
}

export interface SelfTestNeeds {
  clock: Clock;
  /** Hears how many tokens were written so far. Left out: nobody waits for it. */
  wrote?: (tokens: number) => void;
}

const TOKENS_OF_A_KNOWN_ANSWER = 512;
const LOOK_MS = 1_000;
/** An engine that takes longer for a token is not asked only to measure its speed. */
const SLOW_MS_PER_TOKEN = 1_000;

/** Resolves with tokens a second; null when the answers were too short to tell. Rejects with self_test_failed, and as `generate` does. */
export async function selfTest(
  engine: Pick<Engine<never>, 'generate'>,
  expected: KnownAnswer | Expected,
  needs: SelfTestNeeds,
  signal: AbortSignal,
): Promise<number | null> {
  if ('instructed' in expected) return quizzed(engine, expected, needs, signal);
  const { text, meter } = await asked(engine, expected.question, TOKENS_OF_A_KNOWN_ANSWER, needs, signal);
  if (!isRight(text, expected)) throw nonsense();
  return meter.overall();
}

async function quizzed(
  engine: Pick<Engine<never>, 'generate'>,
  expected: Expected,
  { clock, wrote = () => {} }: SelfTestNeeds,
  signal: AbortSignal,
): Promise<number | null> {
  const answers: QuizAnswer[] = [];
  let tokens = 0;
  let tokensPerSecond: number | null = null;
  let slow = false;
  for (const question of [...QUIZ, LONG_QUESTION]) {
    const proven = isProven(answers, expected.recorded);
    if (proven && (tokensPerSecond !== null || slow || question !== LONG_QUESTION)) continue;
    const before = tokens;
    const beganMs = clock.now();
    const told = (written: number) => wrote(before + written);
    const { text, meter } = await asked(engine, question.question, question.maxTokens, { clock, wrote: told }, signal);
    answers.push({ asked: question, text });
    tokens += meter.tokens;
    tokensPerSecond = meter.overall() ?? tokensPerSecond;
    slow = clock.now() - beganMs > SLOW_MS_PER_TOKEN * meter.tokens;
  }
  if (!passes(answers, expected)) throw nonsense();
  return tokensPerSecond;
}

async function asked(
  engine: Pick<Engine<never>, 'generate'>,
  question: string,
  maxTokens: number,
  { clock, wrote = () => {} }: SelfTestNeeds,
  signal: AbortSignal,
): Promise<{ text: string; meter: SpeedMeter }> {
  const meter = new SpeedMeter();
  let text = '';
  const turns: Turn[] = [{ role: 'user', content: question }];
  const pieces = engine.generate({ turns, sampling: { temperature: 0 }, maxTokens }, signal);
  const bytesToRead = (pieces: number) => (pieces === 0 ? promptBytes(turns) : 0);
  await readWatched(pieces, bytesToRead, clock, signal, (piece) => {
    text += piece.text;
    meter.add(piece.tokens, clock.now());
    wrote(meter.tokens);
  });
  return { text, meter };
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

function nonsense(): MeshError {
  return new MeshError(
    'self_test_failed',
    'The model wrote nonsense in its self-test on this device, so it is not used here. Try another model, or update the ' +
      'browser and the graphics driver.',
  );
}
