import { expect, it } from 'vitest';
import { newAnswer, type ShownTurn } from '../turn.ts';
import { findInTalk } from './find-in-talk.ts';

const turns: ShownTurn[] = [
  { role: 'user', id: 'q1', text: 'Où est le Café?' },
  {
    ...newAnswer('a1', 'anyone', null),
    text: '<think>cafe</think>By the\nriver.',
    thought: { syntax: 'think', thoughts: 'cafe', said: 'By the\nriver.', ms: 1, isThinking: false },
  },
  { role: 'user', id: 'q2', text: 'And the river?' },
];

it('finds what was said, whatever its case, accents and lines, and not what was only thought', () => {
  expect(findInTalk(turns, 'CAFE')).toEqual(['q1']);
  expect(findInTalk(turns, 'the  River')).toEqual(['a1', 'q2']);
  expect(findInTalk(turns, ' ')).toEqual([]);
  expect(findInTalk(turns, 'lamp')).toEqual([]);
});
