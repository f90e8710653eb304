import { describe, expect, it } from 'vitest';
import { PARAMETERS } from '../../governance/parameters.ts';
import { softwareIdentity } from '../../identity/identity.ts';
import { signGenesis, type GenesisTerms } from '../../networks/genesis.ts';
import { LedgerWorld, paperPeer } from '../../testing/ledger-world.ts';
import { budgetOf, EPOCH_MS, epochOf } from '../emission.ts';
import { readEvent, writeEvent } from '../event.ts';
import { apply } from '../projection.ts';
import { parameter, partOf } from '../parameter.ts';
import { MemoryState } from '../state.ts';
import { emissionPart } from './founding.ts';

// Paper peers sign nothing, and a genesis counts only when it is signed.
const founder = softwareIdentity(new Uint8Array(32).fill(9));
const ada = paperPeer(2);
const terms: GenesisTerms = {
  name: 'StorageNet',
  kinds: ['chat'],
  parameters: new Map([
    ['allowance', 9_000_000],
    ['slash', 200],
  ]),
  credit: { name: 'STORE', symbol: 'STR', uptime: 70, tasks: 29, governance: 1 },
  witnesses: { keys: [], quorum: 0 },
  logic: null,
  isPrivate: false,
  foundedMs: 1_800_000_000_000,
};
const founding = async (changes: Partial<GenesisTerms> = {}) =>
  ({ kind: 'genesis', record: await signGenesis({ ...terms, ...changes }, founder) }) as const;

describe('a network begins', () => {
  it('with the parameters of its genesis, and the usual ones besides', async () => {
    const world = new LedgerWorld(paperPeer(0));
    expect(world.add(await founding())).toEqual([]);
    expect(parameter(world.state, 'allowance')).toBe(9_000_000);
    expect(parameter(world.state, 'slash')).toBe(200);
    expect(parameter(world.state, 'split-host')).toBe(PARAMETERS['split-host'].initial);
    world.add({ kind: 'allowance', to: ada.peerId });
    expect(world.state.get(`a/allowance:${ada.peerId}`)).toBe(9_000_000);
  });

  it('with the parts of its emission, and a mesh without a genesis with the usual ones', async () => {
    const world = new LedgerWorld(paperPeer(0));
    expect(emissionPart(world.state, 'uptime')).toBe(400);
    world.add(await founding());
    const parts = (['uptime', 'tasks', 'allowances'] as const).map((part) => emissionPart(world.state, part));
    expect(parts).toEqual([700, 290, 10]);
  });

  it('so that being there is paid by its distribution', async () => {
    const world = new LedgerWorld(paperPeer(0));
    world.add(await founding({ parameters: new Map([['uptime-cap', 1_000_000]]) }));
    const lease = await world.lease(1, ada, [founder], { price: 0 });
    world.add(await world.receipt(lease, founder, 1));
    const epoch = epochOf(world.ms);
    world.ms += EPOCH_MS;
    const [paid] = world.add({ kind: 'uptime', epoch, shares: [[founder.peerId, 1_000]] });
    const hour = partOf(budgetOf(0), 700);
    expect(Math.abs(paid!.amount)).toBe(Math.min(1_000_000, Math.floor(hour / 1_000) * 1_000));
  });

  it('once, before anything else, and on the word of its founder alone', async () => {
    const world = new LedgerWorld(paperPeer(0));
    world.add({ kind: 'allowance', to: ada.peerId });
    const late = await founding();
    expect(() => world.add(late)).toThrow('before anything else');
    const forged = { ...late, record: late.record.map((byte, at) => (at === 40 ? byte ^ 1 : byte)), ms: 1 };
    // Even where the signatures of peers count as checked.
    expect(() => apply(new MemoryState(), forged, 0, () => true)).toThrow('Nobody has founded');
  });

  it('in a leaf that is read as it was written', async () => {
    const event = { ...(await founding()), ms: 5 };
    expect(readEvent(writeEvent(event))).toEqual(event);
  });
});
