/** Answers to requests with `functions`: a call stands in the message itself, as it did before there were tools. */
import type { AnswerWords } from './answer-words.ts';

interface Call {
  function: { name?: string; arguments: string };
}

interface Said {
  tool_calls?: readonly Call[];
}

/** A choice of a whole answer, or of a chunk. */
interface Choice {
  message?: Said;
  delta?: Said;
  finish_reason: string | null;
}

/** `words`: those of chat completions. */
export function legacyWords(words: AnswerWords): AnswerWords {
  return {
    whole: (heading, said, endings) => inOldWords(words.whole(heading, said, endings)),
    chunks: (heading, event, isFirst) => words.chunks(heading, event, isFirst).map(inOldWords),
    usage: (heading, endings) => words.usage(heading, endings),
  };
}

function inOldWords(answer: object): object {
  const { choices } = answer as { choices: readonly Choice[] };
  return {
    ...answer,
    choices: choices.map(({ message, delta, ...choice }) => ({
      ...choice,
      ...(message !== undefined && { message: withCall(message) }),
      ...(delta !== undefined && { delta: withCall(delta) }),
      finish_reason: choice.finish_reason === 'tool_calls' ? 'function_call' : choice.finish_reason,
    })),
  };
}

/** One call at most: whoever asks with `functions` knows no more. */
function withCall({ tool_calls: calls, ...said }: Said): object {
  const called = calls?.[0]?.function;
  return called === undefined ? said : { ...said, function_call: called };
}
