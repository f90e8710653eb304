import { describe, expect, it } from 'vitest';
import { ThoughtReader } from './thought.ts';
import { saidSyntax, unsaidSyntax } from './unsaid-syntax.ts';

describe('thoughts of which the provider said nothing', () => {
  it('begin the answer', () => {
    expect(['<think>Hm', '\n\n<reasoning>\n', '<thinking>'].map((text) => unsaidSyntax(text))).toEqual([
      'unsaid-think',
      'unsaid-reasoning',
      'unsaid-thinking',
    ]);
    expect(['<thi', 'Use <think>', '<thinker>', `${' '.repeat(80)}<think>`].map((text) => unsaidSyntax(text))).toEqual(
      Array.from({ length: 4 }, () => undefined),
    );
  });

  it('are read as others are, and told to no provider as if it had said so', () => {
    const reader = new ThoughtReader(unsaidSyntax('<think>a')!);
    reader.catchUp('<think>1. a\n2. b');
    reader.read('</think>c', 0);
    expect(reader.thought).toMatchObject({ thoughts: '1. a\n2. b', said: 'c', isThinking: false });
    expect(saidSyntax(reader.thought.syntax)).toBeNull();
    expect(saidSyntax('none-think')).toBe('none-think');
  });
});
