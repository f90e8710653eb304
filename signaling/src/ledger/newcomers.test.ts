import { expect, test } from 'vitest';
import { newPeerId } from '@llmesh/core/base/ids';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { LedgerWorld } from '../testing/ledgers.ts';
import { AllowanceTable } from '../store/allowance-table.ts';
import { Newcomers } from './newcomers.ts';
import { NO_LEDGER } from './no-ledger.ts';

const MOST = PARAMETERS['allowances-per-network'].initial;
const DAY_MS = 86_400_000;

test('each key gets its allowance once, and so many of one network a day, whoever tries', async () => {
  const world = new LedgerWorld();
  const ledger = await world.open();
  let nowMs = world.now();
  const newcomers = new Newcomers({ ledger, now: () => nowMs });
  const has = (peer: ReturnType<typeof newPeerId>) => ledger.account(peer).allowance;
  const all = Array.from({ length: MOST + 4 }, newPeerId);
  await world.until(Promise.all(all.map((peer) => newcomers.joined(peer, 'here'))));
  expect(all.filter((peer) => has(peer) > 0)).toHaveLength(MOST);
  const elsewhere = newPeerId();
  // Those who come again use up nobody's.
  for (let i = 0; i < MOST; i++) await world.until(newcomers.joined(all[0]!, 'there'));
  await world.until(newcomers.joined(elsewhere, 'there'));
  expect(has(elsewhere)).toBe(PARAMETERS.allowance.initial);
  expect(has(all[0]!)).toBe(PARAMETERS.allowance.initial);
  // Also where it is not remembered.
  const again = new Newcomers({ ledger, now: () => nowMs });
  await world.until(again.joined(all[0]!, 'here'));
  expect(has(all[0]!)).toBe(PARAMETERS.allowance.initial);
  await world.until(newcomers.joined(all.at(-1)!, 'here'));
  expect(has(all.at(-1)!)).toBe(0);
  nowMs += DAY_MS;
  await world.until(newcomers.joined(all.at(-1)!, 'here'));
  expect(has(all.at(-1)!)).toBe(PARAMETERS.allowance.initial);
  await world.close();
});

test('a restart gives nobody of a network another one on the same day', async () => {
  const world = new LedgerWorld();
  const ledger = await world.open();
  const start = () => new Newcomers({ ledger, now: world.now, kept: new AllowanceTable(world.database) });
  const [before, after] = [start(), start()];
  for (let i = 0; i < MOST; i++) await world.until(before.joined(newPeerId(), 'here'));
  const [here, there] = [newPeerId(), newPeerId()];
  await world.until(Promise.all([after.joined(here, 'here'), after.joined(there, 'there')]));
  expect([here, there].map((peer) => ledger.account(peer).allowance)).toEqual([0, PARAMETERS.allowance.initial]);
  world.skip(DAY_MS);
  await world.until(start().joined(here, 'here'));
  expect(ledger.account(here).allowance).toBe(PARAMETERS.allowance.initial);
  await world.close();
});

test('who could get nothing gets it the next time', async () => {
  const world = new LedgerWorld();
  const ledger = await world.open();
  const newcomers = new Newcomers({ ledger, now: world.now });
  const { append } = ledger.store;
  ledger.store.append = () => Promise.reject(new Error('database or disk is full'));
  const peer = newPeerId();
  await world.until(newcomers.joined(peer, 'here'));
  expect(ledger.account(peer).allowance).toBe(0);
  ledger.store.append = append;
  await world.until(newcomers.joined(peer, 'here'));
  expect(ledger.account(peer).allowance).toBe(PARAMETERS.allowance.initial);
  await world.close();
});

test('a mesh without credits gives none', async () => {
  const newcomers = new Newcomers({ ledger: NO_LEDGER, now: () => 0 });
  await newcomers.joined(newPeerId(), 'here');
});
