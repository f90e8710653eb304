import { expect, it } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import type { Turn } from '@llmesh/core/protocol';
import { Conversations } from './conversations.ts';

const model = 'm' as ModelId;
const turns = (...said: string[]) =>
  said.map((content, i) => ({ role: i % 2 === 0 ? ('user' as const) : ('assistant' as const), content }));

it('remembers who answered last, in which conversation of which model', () => {
  const conversations = new Conversations();
  const peer = newPeerId();
  conversations.answered(model, turns('a'), peer);
  expect(conversations.lastIn(model, turns('a', 'b', 'c'))).toBe(peer);
  expect(conversations.lastIn(model, turns('a'))).toBeNull();
  expect(conversations.lastIn(model, turns('x', 'b', 'c'))).toBeNull();
  expect(conversations.lastIn('other', turns('a', 'b', 'c'))).toBeNull();
});

it('forgets what is longest ago', () => {
  const conversations = new Conversations();
  for (let i = 0; i <= 1_024; i++) conversations.answered(model, turns(`${i}`), newPeerId());
  expect(conversations.lastIn(model, turns('0', 'b', 'c'))).toBeNull();
  expect(conversations.lastIn(model, turns('1', 'b', 'c'))).not.toBeNull();
});

it('knows a conversation again after the results of any number of functions', () => {
  const conversations = new Conversations();
  const peer = newPeerId();
  const call = (id: string) => ({ id, name: 'lamp', arguments: '{}' });
  const asked: Turn[] = [{ role: 'user', content: 'Light!' }];
  conversations.answered(model, asked, peer);
  const results = ['a', 'b', 'c'].map((id): Turn => ({ role: 'tool', content: 'done', call: call(id) }));
  const turns: Turn[] = [...asked, { role: 'assistant', content: '', calls: ['a', 'b', 'c'].map(call) }, ...results];
  expect(conversations.lastIn(model, turns)).toBe(peer);
});
