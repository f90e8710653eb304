import { describe, expect, it } from 'vitest';
import { PARAMETERS } from '../../governance/parameters.ts';
import { LedgerWorld, peerOf, START_MS } from '../../testing/ledger-world.ts';
import { SUPPLY } from '../credit.ts';
import { budgetOf, EPOCH_MS, epochOf, EPOCHS_PER_HALVING, scheduled } from '../emission.ts';
import { parameterKey } from '../keys.ts';
import { balanceOf } from '../readers.ts';

const [ada, bob, eve] = [peerOf(1), peerOf(2), peerOf(3)];
const epoch = epochOf(START_MS);
const CAP = PARAMETERS['uptime-cap'].initial;

async function served() {
  const world = new LedgerWorld();
  for (const [seed, provider] of [bob, eve].entries()) {
    world.add(await world.receipt(await world.lease(seed, ada, [provider]), provider, 1));
  }
  world.ms += EPOCH_MS;
  return world;
}

describe('emission', () => {
  it('halves every two years, and never gives more than there is', () => {
    expect(budgetOf(EPOCHS_PER_HALVING)).toBe(Math.floor(budgetOf(0) / 2));
    expect(scheduled(EPOCHS_PER_HALVING)).toBeLessThanOrEqual(SUPPLY / 2);
    expect(scheduled(1_000 * EPOCHS_PER_HALVING)).toBeLessThanOrEqual(SUPPLY);
    expect(scheduled(1_000 * EPOCHS_PER_HALVING)).toBeGreaterThan(0.999 * SUPPLY);
    expect(scheduled(EPOCHS_PER_HALVING + 3)).toBe(EPOCHS_PER_HALVING * budgetOf(0) + 3 * budgetOf(EPOCHS_PER_HALVING));
  });
});

describe('an hour', () => {
  it('is paid once to who was there and has served somebody', async () => {
    const world = await served();
    const pay = (peer: typeof ada, share: number) =>
      world.add({ kind: 'uptime', epoch, shares: [[peer.peerId, share]] });
    pay(bob, 1_000);
    pay(eve, 250);
    expect(balanceOf(world.state, `free:${bob.peerId}`)).toBe(CAP);
    expect(balanceOf(world.state, `free:${eve.peerId}`)).toBe(CAP / 4);
    expect(() => pay(bob, 1)).toThrow('paid for this hour already');
    expect(() => pay(ada, 1_000)).toThrow('answered nobody');
    const twice = { kind: 'uptime', epoch: epoch - 1, shares: [[eve.peerId, 1]] } as const;
    expect(() => world.add(twice)).toThrow('is over');
    expect(() => world.add({ ...twice, epoch: epoch + 1 })).toThrow('not over');
  });

  it('is paid to nobody with less at stake than was voted', async () => {
    const world = await served();
    world.state.set(parameterKey('minimum-stake'), [1_000, world.ms]);
    world.fund(eve.peerId, 1_000);
    world.add(await world.order(eve, { kind: 'stake', amount: 1_000 }));
    const shares = [bob, eve].map(({ peerId }) => [peerId, 1_000] as const);
    world.add({ kind: 'uptime', epoch, shares });
    expect([bob, eve].map(({ peerId }) => balanceOf(world.state, `free:${peerId}`))).toEqual([0, CAP]);
  });

  it('names nobody twice, and is paid for within two days', async () => {
    const world = await served();
    const shares = [bob, bob].map(({ peerId }) => [peerId, 500] as const);
    expect(() => world.add({ kind: 'uptime', epoch, shares })).toThrow('already');
    world.ms += 49 * EPOCH_MS;
    expect(() => world.add({ kind: 'uptime', epoch, shares: shares.slice(1) })).toThrow('is over');
  });
});
