import { describe, expect, it } from 'vitest';
import { lifeOf, type LifeFacts, type LifeState } from './node-life.ts';

const start: LifeFacts = { control: 'closed', wasConnected: false, ready: false, busySlots: 0 };

describe('the life of a node', () => {
  it('goes the way of the whitepaper: from its start to its first answer, and back after an outage', () => {
    const seen: LifeState[] = [];
    let facts = start;
    const then = (changes: Partial<LifeFacts>) => {
      facts = { ...facts, ...changes };
      seen.push(lifeOf(facts));
    };
    then({});
    then({ control: 'connecting' });
    then({ control: 'open', wasConnected: true });
    then({ ready: true });
    then({ busySlots: 2 });
    then({ auditing: true });
    then({ busySlots: 0 });
    then({ auditing: false });
    then({ control: 'connecting' });
    then({ control: 'open' });
    then({ control: 'closed', ready: false });
    expect(seen).toEqual([
      ...[
        'initializing',
        'connecting',
        'connected',
        'active',
        'participating',
        'participating',
        'validating',
        'active',
      ],
      ...['disconnected', 'active', 'disconnected'],
    ]);
  });

  it('votes when its owner does, unless it is answering or out of the mesh', () => {
    const voting: LifeFacts = { ...start, control: 'open', wasConnected: true, voting: true };
    expect(lifeOf(voting)).toBe('voting');
    expect(lifeOf({ ...voting, ready: true, auditing: true })).toBe('voting');
    expect(lifeOf({ ...voting, ready: true, busySlots: 1 })).toBe('participating');
    expect(lifeOf({ ...voting, control: 'connecting' })).toBe('disconnected');
  });

  it('is out of the mesh when it was refused, whatever it has ready', () => {
    expect(lifeOf({ ...start, control: 'refused', ready: true, busySlots: 1 })).toBe('disconnected');
  });
});
