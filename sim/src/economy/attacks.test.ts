/** `npm run sim -- --economy` prints what each came to. */
import { expect, it } from 'vitest';
import { ATTACKS } from './attack-table.ts';

const CARTEL = 'auditor cartel below one third';

it.each(Object.entries(ATTACKS).filter(([name]) => name !== CARTEL))(
  'nobody ends with more than they began with: %s',
  async (_, attack) => {
    const { start, end, honest } = await attack(1);
    expect(start).toBeGreaterThan(0);
    expect(end).toBeLessThanOrEqual(start);
    if (honest !== null) expect(honest).toBeGreaterThanOrEqual(end);
  },
);

it('an auditor cartel below one third bans nobody, is found out, and is paid nothing where honest auditors are', async () => {
  const { start, end, honest, note } = await ATTACKS[CARTEL]!(1);
  expect(end).toBe(start);
  expect(honest!).toBeGreaterThan(start);
  expect(note).toContain(' 0 honest volunteers lost their questions; 9 of 9 liars are not asked any more');
});
