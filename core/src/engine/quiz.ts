/**
 * Tiny questions that every model made for chat gets right, whatever its family, and what it writes on a computer that
 * computes right. Broken kernels do not know them.
 */
import { isLanguageLike } from './language-likeness.ts';

export interface QuizQuestion {
  question: string;
  /** Each of these, as a word of its own, makes an answer right. */
  answers: readonly string[];
  maxTokens: number;
}

/** What a model wrote to a question of the quiz where it was seen to run well. */
export interface RecordedAnswer {
  question: string;
  /** The beginning. */
  text: string;
}

/** A model that thinks first has named the answer by then. */
const SHORT_TOKENS = 48;
export const QUIZ: readonly QuizQuestion[] = [
  short('What is the capital of France? Answer with one word.', ['paris']),
  short('What is the opposite of hot? Answer with one word.', ['cold', 'cool']),
  short('How many days are in a week? Answer with one word.', ['seven', '7']),
];
/** The last one takes long enough to tell a speed, and is asked for that in any case. */
export const LONG_QUESTION: QuizQuestion = {
  question: 'Name three animals that live in a pond.',
  answers: plurals('frog fish duck turtle toad newt snail dragonfly beetle heron salamander carp swan goose goldfish'),
  maxTokens: 32,
};

/** Enough right answers are proof by themselves: a draw of tokens is not right once. */
const PROOF = 2;
/** Where another computer wrote this many words first, the same ones are expected; later ones may differ in a near-tie. */
const SAME_WORDS = 4;

export interface QuizAnswer {
  asked: QuizQuestion;
  text: string;
}

/** How many of these answers are right. */
export function rightAnswers(answers: readonly QuizAnswer[], recorded: readonly RecordedAnswer[]): number {
  return answers.filter(({ asked, text }) => {
    const words = wordsOf(text);
    if (asked.answers.some((answer) => words.includes(answer))) return true;
    return recorded.some((before) => before.question === asked.question && begins(words, wordsOf(before.text)));
  }).length;
}

/** Whether there is nothing more to ask. */
export function isProven(answers: readonly QuizAnswer[], recorded: readonly RecordedAnswer[]): boolean {
  return rightAnswers(answers, recorded) >= PROOF;
}

/**
 * Whether the model that wrote all these answers works. `instructed`: it is made for chat, so that it knows an answer at
 * least; another may write what it likes, in some language.
 */
export function passes(
  answers: readonly QuizAnswer[],
  { instructed, recorded }: { instructed: boolean; recorded: readonly RecordedAnswer[] },
): boolean {
  const right = rightAnswers(answers, recorded);
  if (right >= PROOF) return true;
  const wordy = isLanguageLike(answers.map(({ text }) => text).join('\n'));
  return instructed ? right > 0 && wordy : right > 0 || wordy;
}

function begins(words: readonly string[], before: readonly string[]): boolean {
  const same = Math.min(SAME_WORDS, before.length);
  return same > 0 && before.slice(0, same).every((word, i) => word === words[i]);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}]+|\d+/gu) ?? [];
}

function short(question: string, answers: readonly string[]): QuizQuestion {
  return { question, answers, maxTokens: SHORT_TOKENS };
}

function plurals(list: string): string[] {
  return list
    .split(' ')
    .flatMap((word) => [word, `${word}s`, word.replace(/y$/, 'ies'), word.replace('goose', 'geese')]);
}
