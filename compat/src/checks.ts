/** What answers are checked for, whichever client got them. */
import assert from 'node:assert/strict';
import { z } from 'zod';
import type { CompatMesh } from './compat-mesh.ts';

/** Two functions, which are called with the same arguments. */
export const SWITCHES = ['lamp', 'door'] as const;
export const switchArguments = z.strictObject({ on: z.boolean() });
export const SWITCH_SCHEMA = {
  type: 'object' as const,
  properties: { on: { type: 'boolean' } },
  required: ['on'],
  additionalProperties: false,
};
export const DESCRIPTION = 'Turns it on or off.';
export const REQUEST = 'Turn on the lamp and open the door.';
export const RESULT = 'It is done.';

/** A form that says little, so that a tiny model soon comes to its end. */
export const verdict = z.strictObject({ verdict: z.enum(['good', 'bad']), sure: z.boolean() });
export const VERDICT_SCHEMA = {
  type: 'object' as const,
  properties: { verdict: { type: 'string', enum: ['good', 'bad'] }, sure: { type: 'boolean' } },
  required: ['verdict', 'sure'],
  additionalProperties: false,
};

/** How long a model may think before it has to speak. */
export const THOUGHT_TOKENS = 6;

/** The tiny model knows this answer by heart: a word too many or too few is seen. */
export function isAnswer(text: string | null | undefined, mesh: CompatMesh): void {
  assert.equal(text, mesh.short.answer);
}

/** The answer came in pieces, with time between them. */
export async function isStreamed<T>(
  stream: AsyncIterable<T>,
  textOf: (part: T) => string | null | undefined,
  mesh: CompatMesh,
): Promise<void> {
  const atMs: number[] = [];
  let text = '';
  for await (const part of stream) {
    const piece = textOf(part) ?? '';
    if (piece === '') continue;
    atMs.push(performance.now());
    text += piece;
  }
  isAnswer(text, mesh);
  assert(atMs.length > 3, `It came in ${atMs.length} pieces.`);
  assert(atMs.at(-1)! > atMs[0]!, 'It came all at once.');
}

/** A call of one of the functions; `input`: what they were called with, as text or as an object. */
export function isCall(name: unknown, input: unknown): void {
  assert(
    SWITCHES.some((known) => known === name),
    `There is no function ${String(name)}.`,
  );
  switchArguments.parse(typeof input === 'string' ? JSON.parse(input) : input);
}

export function isText(text: unknown): void {
  assert(typeof text === 'string' && text.trim() !== '', `It said ${JSON.stringify(text)}.`);
}

/** How often a model is asked that may call one function where it could call two. */
const TRIES = 8;

/** Asks until several functions are called at once: the model decides, and mostly does. */
export async function severalCalls(ask: () => Promise<readonly (readonly [name: unknown, input: unknown])[]>) {
  for (let tries = 0; tries < TRIES; tries++) {
    const calls = await ask();
    for (const [name, input] of calls) isCall(name, input);
    if (calls.length > 1) return;
  }
  assert.fail(`In ${TRIES} answers no two functions were called.`);
}

/** The error is what the API says about a model that nobody lends, and the client knows it as such. */
export async function isUnknownModel(ask: () => Promise<unknown>, statusOf: (error: unknown) => unknown) {
  await assert.rejects(ask, (error) => {
    assert.equal(statusOf(error), 404);
    assert.match((error as Error).message, /no model \\?"nobody-lends-it/);
    return true;
  });
}
export const UNKNOWN_MODEL = 'nobody-lends-it';

/** `stream` is given up after its first words; the volunteer has to stop then, too. */
export async function stopsAfterWords<T>(
  begin: () => AsyncIterable<T> | PromiseLike<AsyncIterable<T>>,
  textOf: (part: T) => string | null | undefined,
  mesh: CompatMesh,
  abort: (stream: AsyncIterable<T>) => void = () => {},
): Promise<void> {
  await mesh.breaksOff(async () => {
    let text = '';
    try {
      const stream = await begin();
      for await (const part of stream) {
        text += textOf(part) ?? '';
        if (text === '') continue;
        abort(stream);
        break;
      }
    } catch (error) {
      assert.match(String(error), /abort/i);
    }
    assert(text !== '' && mesh.long.answer.startsWith(text) && text !== mesh.long.answer, `It heard ${text}.`);
  });
}
