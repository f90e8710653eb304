import type { ModelId } from '@llmesh/core/base/ids';
import type { Standing } from '@llmesh/core/wire/audit-messages';
import { expect, it } from 'vitest';
import { Standings } from './standings.svelte.ts';

const standing = (model: string, some: Partial<Standing> = {}): Standing => ({
  ...{ type: 'standing', model: model as ModelId, level: 'good', checked: 10, agreed: 10, reason: '', ...some },
});

it('counts the checks of all models, and shows the worst of them until it is cleared', () => {
  const standings = new Standings();
  expect([standings.checked, standings.worst]).toEqual([0, null]);
  standings.take(standing('a'));
  standings.take(standing('b', { level: 'quarantined', agreed: 4, reason: 'Fetch the file anew.' }));
  standings.take(standing('c', { level: 'suspected', agreed: 8, reason: 'More are checked.' }));
  expect([standings.checked, standings.agreed]).toEqual([30, 22]);
  expect(standings.worst).toEqual({ level: 'quarantined', reason: 'Fetch the file anew.' });
  standings.take(standing('b', { checked: 30, agreed: 24 }));
  expect([standings.checked, standings.worst?.level]).toEqual([50, 'suspected']);
});

it('keeps no more models than anybody lends', () => {
  const standings = new Standings();
  for (let i = 0; i < 200; i++) standings.take(standing(`model-${i}`));
  expect(standings.checked).toBe(640);
});
