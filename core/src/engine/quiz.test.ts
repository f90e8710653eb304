import { describe, expect, it } from 'vitest';
import { LONG_QUESTION, passes, QUIZ, rightAnswers, type QuizAnswer } from './quiz.ts';

/** These texts, to the questions in order. */
function answered(...texts: string[]): QuizAnswer[] {
  return [...QUIZ, LONG_QUESTION].flatMap((asked, i) => {
    const text = texts[i];
    return text === undefined ? [] : [{ asked, text }];
  });
}

const instructed = { instructed: true, recorded: [] };
const unknown = { instructed: false, recorded: [] };

describe('the quiz', () => {
  it.each([
    ['one word each', answered('Paris', 'Cold')],
    ['whole sentences', answered('The capital of France is Paris.', 'The opposite of hot is cold.')],
    ['thoughts', answered('<think>\nOkay, the capital of France is Paris, so', '<think>\nThe opposite of hot is cold')],
    ['a wrong answer among right ones', answered('Lyon', '**Cold**', 'Seven.')],
    [
      'one right answer, and words',
      answered('London', 'The opposite of hot is warm.', 'Seven, that is what it is.', 'I like pears.'),
    ],
  ])('is passed with %s', (_, answers) => {
    expect(passes(answers, instructed)).toBe(true);
  });

  it.each([
    ['nothing', answered('', '', '', '')],
    ['one sign', answered('!!!!', '!!!!', '!!!!', '!!!!!!!!!!')],
    ['pieces of words', answered(' Brow ultipt', 'ingred vasth 是ß', 'tion);\nлес', ' Sharpquir ٱل_id\ufffd0xaeKö')],
    [
      'one lucky hit in nonsense',
      answered(' paris ultipt', 'ingred vasth 是ß', 'tion);\nлес', ' Sharpquir ٱل_id\ufffd0xaeKö'),
    ],
    ['a word inside of another', answered('comparison', 'scolded', '1777 weeks', 'unfrogged')],
    [
      'sensible words that answer nothing',
      answered('I am.', 'It is what it is.', 'There is the door.', 'Yes, and this is it.'),
    ],
  ])('is failed with %s', (_, answers) => {
    expect(passes(answers, instructed)).toBe(false);
  });

  it('lets a model that is not made for chat write what it likes, in some language', () => {
    const story = answered(
      'Once upon a time there was a little girl.',
      'She lived in a house.',
      'It was a big house.',
      'The end.',
    );
    expect([passes(story, unknown), passes(story, instructed)]).toEqual([true, false]);
    expect(passes(answered(' Brow ultipt', 'ingred vasth 是ß', 'tion);\nлес', ' Sharpquir ٱل_id0x'), unknown)).toBe(
      false,
    );
  });

  it('takes what the model wrote elsewhere for right, if it begins the same', () => {
    const [first, second] = QUIZ;
    if (first === undefined || second === undefined) throw new Error('needs two questions');
    const recorded = [
      { question: first.question, text: 'Sacrebleu! I will not say that, sir.' },
      { question: second.question, text: 'Brr.' },
    ];
    const same = answered('Sacrebleu! I will not tell you.', 'Brr! It is freezing');
    expect(rightAnswers(same, recorded)).toBe(2);
    expect(rightAnswers(answered('Sacrebleu! I say', 'Warm'), recorded)).toBe(0);
  });
});
