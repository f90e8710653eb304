import { describe, expect, it } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { Departures, MAX_NAMED } from './departures.ts';

const id = (name: string) => name as PeerId;
const [ann, bob, one, two] = ['ann', 'bob', 'one', 'two'].map(id) as [PeerId, PeerId, PeerId, PeerId];

describe('who hears that a provider is gone', () => {
  it('is everyone whose shortlist named it, and each of them once', () => {
    const departures = new Departures();
    departures.named(ann, [one, two]);
    departures.named(ann, [one]);
    departures.named(bob, [two]);
    expect(departures.left(one)).toEqual([ann]);
    expect(departures.left(two)).toEqual([ann, bob]);
    expect(departures.left(two)).toEqual([]);
  });

  it('is nobody who has left', () => {
    const departures = new Departures();
    departures.named(ann, [one]);
    departures.left(ann);
    expect(departures.left(one)).toEqual([]);
  });

  it('is nobody who was told of many others since', () => {
    const departures = new Departures();
    departures.named(ann, [one, two]);
    departures.named(ann, [one, ...Array.from({ length: MAX_NAMED - 1 }, (_, i) => id(`p${i}`))]);
    expect(departures.left(two)).toEqual([]);
    expect(departures.left(one)).toEqual([ann]);
  });
});
