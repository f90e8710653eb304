/** Words for a test question: the model makes them up, as many as the shape asks for. */
import type { Engine, GenerateRequest } from '@llmesh/core/engine/engine';
import { cancelled } from '@llmesh/core/base/errors';
import type { Turn } from '@llmesh/core/protocol';

/** A language has fewer characters a token than this only in rare scripts. */
const LEAST_CHARS_A_TOKEN = 2;
const MAX_TRIES = 4;
const TOPICS: Record<Turn['role'], string> = {
  user: 'Write a message that somebody could send to an assistant. Write only the message.',
  assistant: 'Write an answer that an assistant could give. Write only the answer.',
  system: 'Write instructions that an assistant could be given. Write only the instructions.',
  tool: 'Write what a program could print. Write only that.',
};

/**
 * A text of `chars` characters that somebody in this role could have written, after `turns`; null: the model has not as much
 * to say. Rejects with cancelled, and as the engine does.
 */
export async function madeUp(
  engine: Pick<Engine<never>, 'generate'>,
  role: Turn['role'],
  chars: number,
  turns: readonly Turn[],
  signal: AbortSignal,
): Promise<string | null> {
  const topic = TOPICS[role];
  let text = '';
  for (let tries = 0; tries < MAX_TRIES && text.length < chars; tries += 1) {
    const request: GenerateRequest = {
      turns: [...turns.slice(-2), { role: 'user', content: topic }],
      sampling: { temperature: 1, topP: 0.95 },
      maxTokens: Math.ceil((chars - text.length) / LEAST_CHARS_A_TOKEN),
    };
    let part = '';
    for await (const piece of engine.generate(request, signal)) {
      part += piece.text;
      if (text.length + part.length > chars) break;
    }
    if (signal.aborted) throw cancelled();
    text = text === '' ? part.trimStart() : `${text} ${part.trim()}`;
  }
  return text.length < chars ? null : wholeCharacters(text, chars);
}

function wholeCharacters(text: string, chars: number): string {
  const last = text.charCodeAt(chars - 1);
  const isHalf = last >= 0xd800 && last < 0xdc00;
  return text.slice(0, isHalf ? chars - 1 : chars);
}
