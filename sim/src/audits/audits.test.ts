/** One small mesh. `npm run sim -- --audits` makes larger ones. */
import { expect, it } from 'vitest';
import { auditFigures } from './audit-figures.ts';

it('who lends another model than it says gets no more questions, though a fifth of the auditors lie', async () => {
  const mesh = { seed: 1, providers: 30, requesters: 40, minutes: 4, questionsPerMinute: 15 };
  const figures = await auditFigures({ ...mesh, cheats: 0.2, cheated: 1, share: 0.02, lyingAuditors: 0.2 });
  expect(figures.honestShare.last).toBeGreaterThanOrEqual(0.95);
  expect(figures.honest).toEqual({ good: 24, suspected: 0, quarantined: 0, convicted: 0 });
  expect(figures.cheats.good).toBe(0);
});
