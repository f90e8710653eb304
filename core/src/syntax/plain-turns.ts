/** A conversation in the three roles that every chat template knows, for models that were never taught to call functions. */
import type { Call, Turn } from '../protocol.ts';

/** One turn with the role and the words that a model reads, and nothing beside them. */
export interface PlainTurn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/**
 * `inForm`: the model is held to the form of answers that may call functions, so it sees its earlier answers in that form.
 * Calls and results are written out as text. Thoughts are left out: models do not read their old ones.
 */
export function plainTurns(turns: readonly Turn[], inForm: boolean): PlainTurn[] {
  return turns.map(({ role, content, calls = [], call }): PlainTurn => {
    if (role === 'tool') return { role: 'user', content: `The function ${call?.name ?? ''} returned:\n${content}` };
    if (role !== 'assistant') return { role, content };
    if (calls.length === 0) return { role, content: inForm ? JSON.stringify({ content }) : content };
    return { role, content: [content, writtenOut(calls)].filter((part) => part !== '').join('\n') };
  });
}

function writtenOut(calls: readonly Call[]): string {
  const written = calls.map(({ name, arguments: json }) => `{"name":${JSON.stringify(name)},"arguments":${json}}`);
  return `{"tool_calls":[${written.join(',')}]}`;
}
