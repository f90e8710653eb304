import { describe, expect, it } from 'vitest';
import { cardWords } from './draw-card.ts';

describe('the words of the card', () => {
  const facts = { answers: 1, tokens: 1234, since: null, week: [0, 0, 0, 0, 0, 0, 1], host: 'mesh.example' };

  it('say what was given, since when and where, and no name', () => {
    expect(cardWords(facts)).toBe(
      'My computer gave 1 answer today. 1,234 tokens for people I don’t know. Lend yours: mesh.example',
    );
    expect(cardWords({ ...facts, answers: 2000, since: new Date('2026-03-02T12:00') })).toContain(
      '2,000 answers since 2 March',
    );
  });
});
