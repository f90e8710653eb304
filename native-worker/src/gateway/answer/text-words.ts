/** Answers of `/v1/completions` in OpenAI's words: whole, and in chunks. */
import type { Completion, CompletionChoice } from 'openai/resources/completions';
import type { TokenLogprob } from '@llmesh/core/protocol';
import { finite, noteOf, usageOf, type AnswerNote, type ChunkWords, type Heading } from './answer-words.ts';
import type { Ending } from './answer.ts';
import type { CompletionRequest } from '../request/completion-request.ts';

/** Chunks have no finish reason before the end, whatever OpenAI's type says. */
type Choice = Omit<CompletionChoice, 'finish_reason'> & {
  finish_reason: CompletionChoice['finish_reason'] | null;
  llmesh?: AnswerNote;
};
type Text = Omit<Completion, 'choices'> & { choices: Choice[] };

/** The `choices` choices of one prompt follow each other. */
export function textWords({ prompts, choices, echo, logprobs }: CompletionRequest): ChunkWords {
  const tells = logprobs !== null;
  /** How many characters of each choice were said before. */
  const offsets: number[] = [];
  const opening = (index: number) => (echo ? (prompts[Math.floor(index / choices)] ?? '') : '');
  const choiceOf = (index: number, text: string, odds: readonly TokenLogprob[]): Omit<Choice, 'finish_reason'> => {
    const told = tells ? logprobsOf(odds, offsets[index] ?? 0) : null;
    offsets[index] = (offsets[index] ?? 0) + text.length;
    return { index, text, logprobs: told };
  };
  return {
    whole: (heading, said, endings) => {
      const usage = usageOf(endings, choices);
      return {
        ...textOf(
          heading,
          endings.map((ending, index) => {
            const { text = '', logprobs: odds = [] } = said[index] ?? {};
            return ended(choiceOf(index, opening(index) + text, odds), ending);
          }),
        ),
        ...(usage !== null && { usage }),
      };
    },
    chunks: (heading, event, isFirst) => {
      const { index } = event;
      const first = isFirst ? opening(index) : '';
      if (event.type === 'end') return [textOf(heading, [ended(choiceOf(index, first, []), event.ending)])];
      if (event.type !== 'text') return [];
      return [textOf(heading, [{ ...choiceOf(index, first + event.text, event.logprobs), finish_reason: null }])];
    },
    usage: (heading, endings) => {
      const usage = usageOf(endings, choices);
      return usage === null ? null : { ...textOf(heading, []), usage };
    },
  };
}

function textOf(heading: Heading, choices: Choice[]): Text {
  return { ...heading, object: 'text_completion', choices };
}

/** Bare text calls no functions. */
function ended(choice: Omit<Choice, 'finish_reason'>, ending: Ending): Choice {
  return { ...choice, finish_reason: ending.finish === 'length' ? 'length' : 'stop', llmesh: noteOf(ending) };
}

function logprobsOf(odds: readonly TokenLogprob[], from: number): CompletionChoice.Logprobs {
  let offset = from;
  return {
    tokens: odds.map(({ text }) => text),
    token_logprobs: odds.map(({ logprob }) => finite(logprob)),
    top_logprobs: odds.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, finite(logprob)]))),
    text_offset: odds.map(({ text }) => {
      offset += text.length;
      return offset - text.length;
    }),
  };
}
