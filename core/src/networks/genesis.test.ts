import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNetworkId, type ContentId } from '../base/ids.ts';
import { PARAMETERS, PARAMETER_NAMES, type ParameterName } from '../governance/parameters.ts';
import { softwareIdentity } from '../identity/identity.ts';
import { signRecord } from '../identity/signed-record.ts';
import { canonical } from '../wire/canonical.ts';
import { MAX_GENESIS_BYTES } from '../wire/fields.ts';
import { faultIn, networkIdOf, readGenesis, signGenesis, type GenesisTerms } from './genesis.ts';

const founder = softwareIdentity(new Uint8Array(32).fill(1));
const other = softwareIdentity(new Uint8Array(32).fill(2));
const terms: GenesisTerms = {
  name: 'StorageNet',
  kinds: ['chat', 'storage'],
  parameters: new Map<ParameterName, number>([
    ['slash', 200],
    ['allowance', 2_000_000],
  ]),
  credit: { name: 'STORE', symbol: 'STR', uptime: 40, tasks: 40, governance: 20 },
  witnesses: { keys: [], quorum: 0 },
  logic: 'ab'.repeat(32) as ContentId,
  isPrivate: false,
  foundedMs: 1_800_000_000_000,
};

describe('a genesis', () => {
  it('is read as it was signed, and its network is known by it', async () => {
    const bytes = await signGenesis(terms, founder);
    const genesis = readGenesis(bytes);
    expect(genesis).toMatchObject({
      name: 'StorageNet',
      founder: founder.peerId,
      credit: terms.credit,
      logic: terms.logic,
    });
    expect(genesis!.parameters).toEqual(terms.parameters);
    expect(isNetworkId(genesis!.network)).toBe(true);
    expect(genesis!.network).toBe(networkIdOf(bytes));
  });

  it('has another id for every other word in it, and every other founder', async () => {
    const ids = await Promise.all(
      [
        signGenesis(terms, founder),
        signGenesis(terms, other),
        signGenesis({ ...terms, isPrivate: true }, founder),
        signGenesis({ ...terms, foundedMs: terms.foundedMs + 1 }, founder),
        signGenesis({ ...terms, credit: { ...terms.credit, symbol: 'STO' } }, founder),
      ].map(async (bytes) => networkIdOf(await bytes)),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is refused with a byte changed, cut, or added anywhere', async () => {
    const bytes = await signGenesis(terms, founder);
    for (let at = 0; at < bytes.byteLength; at += 7) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(readGenesis(changed)).toBeNull();
      expect(readGenesis(bytes.subarray(0, at))).toBeNull();
    }
    expect(readGenesis(new Uint8Array([...bytes, 0]))).toBeNull();
  });

  it('is looked through before its signature costs anything', async () => {
    let checks = 0;
    const counted = () => {
      checks += 1;
      return true;
    };
    expect(readGenesis(await signRecord('genesis', canonical([2, 'later']), founder), counted)).toBeNull();
    expect(readGenesis(new Uint8Array(MAX_GENESIS_BYTES + 1), counted)).toBeNull();
    expect(checks).toBe(0);
  });

  it.each<[string, Partial<GenesisTerms>]>([
    ['a name that hides something', { name: 'Storage\u202eNet' }],
    ['no kind of task', { kinds: [] }],
    ['kinds in another order', { kinds: ['storage', 'chat'] }],
    ['a kind named twice', { kinds: ['chat', 'chat'] }],
    ['a symbol in small letters', { credit: { ...terms.credit, symbol: 'str' } }],
    ['per cents that do not add up', { credit: { ...terms.credit, governance: 30 } }],
    ['parts of a per cent', { credit: { ...terms.credit, uptime: 39.5, tasks: 40.5 } }],
    ['a parameter out of bounds', { parameters: new Map([['slash', 501]]) }],
    ['parameters that contradict each other', { parameters: new Map([['split-host', 850]]) }],
    ['more witnesses needed than there are', { witnesses: { keys: [], quorum: 1 } }],
    ['logic by another name', { logic: 'storage.ts' as ContentId }],
  ])('refuses %s, and says so to the founder', async (_what, change) => {
    expect(faultIn({ ...terms, ...change })).toMatch(/\.$/);
    await expect(signGenesis({ ...terms, ...change }, founder)).rejects.toThrow(RangeError);
  });

  it('property: whatever the founder may choose is read again, to the same id', async () => {
    const values = fc
      .constantFrom(...PARAMETER_NAMES)
      .chain((name) =>
        fc.tuple(fc.constant(name), fc.integer({ min: PARAMETERS[name].min, max: PARAMETERS[name].max })),
      );
    const arbitrary = fc.record({
      name: fc.string({ minLength: 1, maxLength: 64, unit: 'grapheme' }),
      kinds: fc
        .uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/), { maxLength: 40 })
        .map((kinds) => kinds.toSorted()),
      parameters: fc.array(values, { maxLength: 4 }).map((pairs) => new Map(pairs)),
      uptime: fc.integer({ min: 0, max: 100 }),
      tasks: fc.integer({ min: 0, max: 100 }),
      isPrivate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ uptime, tasks, ...chosen }) => {
        const credit = { ...terms.credit, uptime, tasks, governance: 100 - uptime - tasks };
        const made = { ...terms, ...chosen, credit };
        if (faultIn(made) !== null) return;
        const bytes = await signGenesis(made, founder);
        expect(bytes.byteLength).toBeLessThanOrEqual(MAX_GENESIS_BYTES);
        const { network, founder: by, bytes: kept, ...read } = readGenesis(bytes)!;
        expect(read).toEqual(made);
        expect([network, by, kept]).toEqual([networkIdOf(bytes), founder.peerId, bytes]);
      }),
      { numRuns: 60 },
    );
  });
});
