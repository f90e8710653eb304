import { describe, expect, it } from 'vitest';
import type { Turn } from '@llmesh/core/protocol';
import { mlcTurns } from './mlc-turns.ts';

const user = (content: string): Turn => ({ role: 'user', content });
const system = (content: string): Turn => ({ role: 'system', content });
const assistant = (content: string): Turn => ({ role: 'assistant', content });

describe('a conversation for web-llm', () => {
  it('stays as it is when it is one that web-llm takes', () => {
    const turns = [system('Be brief.'), user('Why?'), assistant('So.'), user('Really?')];
    expect(mlcTurns(turns)).toEqual({ asked: turns, begun: '' });
  });

  it('gives the begun answer apart', () => {
    expect(mlcTurns([user('Count.'), assistant('1, 2')])).toEqual({ asked: [user('Count.')], begun: '1, 2' });
  });

  it('has one system prompt at the beginning, and later instructions among the words of the user', () => {
    const turns = [system('Be brief.'), system('Be kind.'), user('Why?'), assistant('So.'), system('Rhyme.')];
    expect(mlcTurns(turns).asked).toEqual([
      system('Be brief.\n\nBe kind.'),
      user('Why?'),
      assistant('So.'),
      user('Rhyme.'),
    ]);
    expect(mlcTurns([system('Tell a joke.')]).asked).toEqual([user('Tell a joke.')]);
  });

  it('writes calls and results out as text', () => {
    const call = { id: 'c1', name: 'time', arguments: '{"zone":"UTC"}' };
    const turns: Turn[] = [
      user('What time is it?'),
      { role: 'assistant', content: '', calls: [call] },
      { role: 'tool', content: '12:00', call: { id: 'c1', name: 'time' } },
      user('Thanks. And now?'),
    ];
    const { asked, begun } = mlcTurns(turns);
    expect(asked.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(asked[1]?.content).toContain('"name":"time"');
    expect(asked[2]?.content).toContain('12:00');
    expect(asked[2]?.content).toContain('And now?');
    expect(begun).toBe('');
  });
});
