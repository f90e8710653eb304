import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, expect, it } from 'vitest';
import { ScriptedLedger } from '../../testing/scripted-ledger.svelte.ts';
import Earned from './Earned.svelte';
import { ratesOf } from './earned-words.ts';

afterEach(cleanup);

it('says what was earned today and for what, and what of it all is not final yet', async () => {
  const ledger = new ScriptedLedger();
  ledger.has({ free: 1_000_000, pending: 250_000 });
  render(Earned, { app: ledger.state });
  await ledger.settle();
  await tick();
  const text = screen.getByRole('region', { name: 'Earned today' }).textContent.replaceAll(/\s+/g, ' ');
  for (const words of [
    '0.83 credits since midnight',
    'Not final yet: 0.25 credits of what you have',
    'You get 70 % of what is paid for each answer.',
    '0.5 credits an hour at most',
  ])
    expect(text).toContain(words);
});

it('lets a volunteer be named among those who gave most, once they are sure', async () => {
  const ledger = new ScriptedLedger();
  render(Earned, { app: ledger.state });
  await ledger.settle();
  await tick();
  await fireEvent.click(screen.getByText('Be named among those who gave most'));
  await fireEvent.input(await screen.findByRole('textbox', { name: 'Your name on the list' }), {
    target: { value: 'Ada' },
  });
  await fireEvent.click(screen.getByRole('button', { name: 'Join the list…' }));
  screen.getByText(/Be called “Ada” on the list\?/);
  expect(ledger.given).toEqual([]);
  await fireEvent.click(screen.getByRole('button', { name: 'Join it' }));
  await ledger.settle();
  expect(ledger.given).toMatchObject([{ kind: 'alias', alias: 'Ada' }]);
});

it('claims no rate that the mesh does not tell', () => {
  expect(ratesOf({ parameters: [], uptimePerHour: 0 })).toEqual({
    tasks: '',
    uptime: 'Nothing is given out for it at present.',
    audits: '',
  });
});
