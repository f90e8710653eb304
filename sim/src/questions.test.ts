import { expect, it } from 'vitest';
import { answerText } from './engine.ts';
import { jainIndex } from './fairness.ts';
import { Question } from './questions.ts';

const ask = () => new Question({ id: 7, promptTokens: 10, tokens: 20 }, 0, 0);

it('a question answered word for word, once, has no fault', () => {
  const question = ask();
  question.take(answerText(7, 0, 12), 12, 50);
  question.take(answerText(7, 12, 20), 8, 60);
  question.end('answered');
  expect(question.faults).toEqual([]);
  expect(question).toMatchObject({ outcome: 'answered', received: 20, firstTokenMs: 50 });
});

it('a lost, a doubled, a late and a missing word are faults, and so is a second end', () => {
  const wrongs: ((question: Question) => void)[] = [
    (question) => question.take(answerText(7, 1, 20), 19, 0),
    (question) => {
      question.take(answerText(7, 0, 8), 8, 0);
      question.take(answerText(7, 0, 8), 8, 0);
    },
    (question) => {
      question.end('failed', 'busy');
      question.take(answerText(7, 0, 8), 8, 0);
    },
    (question) => question.end('answered'),
    (question) => {
      question.end('failed', 'busy');
      question.end('failed', 'busy');
    },
  ];
  for (const wrong of wrongs) {
    const question = ask();
    wrong(question);
    expect(question.faults.length).toBe(1);
  }
});

it('is 1 when all have the same, and 1/n when one has all', () => {
  expect(jainIndex([3, 3, 3])).toBe(1);
  expect(jainIndex([9, 0, 0])).toBeCloseTo(1 / 3);
  expect(jainIndex([])).toBe(1);
});
