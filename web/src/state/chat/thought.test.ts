/** Answers of models that think: their parts, their time, and continuing them. */
import { describe, expect, it } from 'vitest';
import { ThoughtReader } from './thought.ts';

const SYNTAX = 'none-think-begun';

function read(pieces: readonly string[], everyMs = 1_000): ThoughtReader {
  const reader = new ThoughtReader(SYNTAX);
  for (const [i, piece] of pieces.entries()) reader.read(piece, i * everyMs);
  return reader;
}

describe('an answer that begins with thoughts', () => {
  it('has what was thought and what was said, however it was cut', () => {
    for (const pieces of [['Hm, 2.</think>\n\nTwo.'], ['Hm', ', 2.</thi', 'nk>\n', '\nTwo', '.']]) {
      expect(read(pieces).thought).toMatchObject({ thoughts: 'Hm, 2.', said: 'Two.', isThinking: false });
    }
  });

  it('says that it is thinking until its first word', () => {
    expect(read(['Hm']).thought.isThinking).toBe(true);
    expect(read(['Hm', '</think>', 'Two']).thought.isThinking).toBe(false);
  });

  it('took as long as its thoughts took, without the words after them', () => {
    expect(read(['a', 'b', 'c</think>', 'd', 'e', 'f']).thought.ms).toBe(2_000);
  });

  it('goes on in mid-thought where another left it, and adds up the time', () => {
    const reader = new ThoughtReader(SYNTAX, 5_000);
    reader.catchUp('Hm, ');
    reader.read('2.', 0);
    reader.read('</think>Two.', 400);
    expect(reader.thought).toMatchObject({ thoughts: 'Hm, 2.', said: 'Two.', ms: 5_400 });
  });

  it('is all said where the syntax is one of a newer program', () => {
    const reader = new ThoughtReader('telepathy-2');
    reader.read('Two.', 0);
    expect(reader.thought).toMatchObject({ thoughts: '', said: 'Two.' });
  });
});
