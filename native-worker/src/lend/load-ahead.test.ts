import { beforeEach, describe, expect, it } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { advert } from '@llmesh/core/testing/scripted-server';
import { LoadAhead, type RestingModel } from './load-ahead.ts';

let clock: ManualClock;
let loading: string[];
let failures: MeshError[];
let lent: boolean;
let ahead: LoadAhead;
let ends: ((error?: MeshError) => void)[];
beforeEach(() => {
  clock = new ManualClock();
  [loading, failures, ends, lent] = [[], [], [], true];
  const resting = (id: string): RestingModel => ({
    advert: { ...advert, id: id as ModelId, wakesInMs: 2_000 },
    loadAhead: () =>
      new Promise((resolve, reject) => ends.push((error) => (error === undefined ? resolve() : reject(error)))),
  });
  const loaded = { ...resting('loaded'), advert: { ...advert, id: 'loaded' as ModelId } };
  ahead = new LoadAhead({
    clock,
    mayLoad: () => lent,
    models: [resting('a'), resting('b'), loaded, { advert }],
    loading: ({ id }) => loading.push(id),
    failed: (error) => failures.push(error),
  });
});

async function expectModels(...ids: string[]): Promise<void> {
  for (const id of ids) ahead.expect({ task: 'chat', model: id as ModelId });
  await clock.advance(0);
}

async function loaded(error?: MeshError): Promise<void> {
  ends.pop()?.(error);
  await clock.advance(0);
}

describe('a model that is expected', () => {
  it('is loaded, one at a time', async () => {
    await expectModels('a', 'a', 'b');
    expect(loading).toEqual(['a']);
    await loaded();
    await expectModels('b');
    expect(loading).toEqual(['a', 'b']);
  });

  it('is nothing that is not ours, is loaded, or never leaves', async () => {
    await expectModels('x', 'loaded', advert.id);
    expect(loading).toEqual([]);
  });

  it('waits for no owner who needs the computer', async () => {
    lent = false;
    await expectModels('a');
    lent = true;
    expect(loading).toEqual([]);
  });

  it('is loaded three times, and then once in five minutes, whatever the server says', async () => {
    for (let i = 0; i < 20; i++) {
      await expectModels('a');
      await loaded();
    }
    expect(loading.length).toBe(3);
    clock.turn(300_000);
    await expectModels('a');
    expect(loading.length).toBe(4);
  });

  it('that cannot be loaded is said, and another is', async () => {
    await expectModels('a');
    await loaded(new MeshError('out_of_memory', 'No.'));
    await expectModels('b');
    await loaded(new MeshError('cancelled', 'Stopped.'));
    expect(failures.map(({ code }) => code)).toEqual(['out_of_memory']);
    expect(loading).toEqual(['a', 'b']);
  });
});
