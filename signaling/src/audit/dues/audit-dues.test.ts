/** What audits lead to in a real ledger: paid answers, reports that are really signed, a provider with a stake. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '@noble/hashes/sha2.js';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { accountKey } from '@llmesh/core/ledger/keys';
import { accountOf } from '@llmesh/core/ledger/account';
import { signOrder } from '@llmesh/core/ledger/order';
import { NEW_STANDING } from '@llmesh/core/proof/standing';
import { signReport } from '@llmesh/core/proof/audit-report';
import { NO_LEDGER } from '../../ledger/no-ledger.ts';
import { LedgerWorld, someone } from '../../testing/ledgers.ts';
import { AuditTable } from '../audit-table.ts';
import { AuditDues } from './audit-dues.ts';

const FILE = 'ab'.repeat(32);
const MODEL = 'm' as ModelId;
/** Of what is there to begin with. */
const STAKE = PARAMETERS['uptime-cap'].initial / 5;
/** Micro-credits for 1,000 units. */
const PRICE = 2 * STAKE;
/** For 100 units. */
const PAID = PRICE / 10;
const WITHHELD_MS = 3_600_000;

let world: LedgerWorld;
let table: AuditTable;
let dues: AuditDues | null = null;
let [provider, payer, one, two]: [Identity, Identity, Identity, Identity] = [
  someone(),
  someone(),
  someone(),
  someone(),
];
const told: string[] = [];

beforeEach(async () => {
  [provider, payer, one, two] = [someone(), someone(), someone(), someone()];
  told.length = 0;
  world = new LedgerWorld();
  await world.open();
  table = new AuditTable(world.database);
  await world.fund(provider);
  await world.fund(payer);
  const order = { kind: 'stake', amount: STAKE } as const;
  const record = await signOrder(order, { issuer: world.control.peerId, ms: world.now() }, provider);
  await world.append({ kind: 'order', record });
});
afterEach(async () => {
  if (dues !== null) await close(dues);
  dues = null;
  await world.close();
});

function open(): AuditDues {
  const { clock, now, ledger } = world;
  const failed = (error: unknown) => world.failures.push(error);
  dues = new AuditDues({ clock, now, ledger, table: table.dues, failed, slashed: (peer) => told.push(peer) });
  return dues;
}

const free = (peer: Identity) => world.ledger.account(peer.peerId).free;

/** An answer that costs PAID, and that both auditors find wrong. With `convict`, its provider is convicted for it. */
async function wrongAnswer(convict: boolean, liars: readonly PeerId[] = []) {
  const { hold, nonce, whole, byProvider, expiresAt } = await world.papers(payer, provider, { price: PRICE });
  await world.until(world.ledger.reserve(hold, payer.peerId, PAID, expiresAt + 900));
  await world.file(whole, provider.peerId);
  const receipt = sha256(byProvider);
  const ends = {
    provider: { peerId: provider.peerId, network: 'a' },
    requester: { peerId: payer.peerId, network: 'b' },
  };
  const engine = 'llama.cpp/cpu' as const;
  const auditors = [one, two].map(({ peerId }) => ({ peerId, network: 'c', engine }));
  const audit = { receipt, leaseNonce: nonce, model: MODEL, file: FILE, engine, work: 1, draw: randomBytes(9) };
  await table.draw([{ ...audit, ...ends, auditors, findings: [], drawnMs: world.now() }]);
  for (const auditor of [one, two]) {
    const figures = { outcome: 'scored', reason: '', mode: 'seed', deviations: new Uint8Array(40).fill(255) } as const;
    const about = { leaseNonce: nonce, provider: provider.peerId, model: MODEL, file: FILE, receipt };
    const report = await signReport({ ...about, providerEngine: engine, auditorEngine: engine, ...figures }, auditor);
    const finding = {
      auditor: auditor.peerId,
      digest: sha256(report),
      verdict: 'deviates',
      log10E: 3,
      why: '',
    } as const;
    await table.report(receipt, { ...finding, report }, null, world.now());
  }
  const settled = { verdict: 'deviates', log10E: 3, judged: [], judges: [], contradicted: [], confirmed: [] } as const;
  const standing = {
    provider: provider.peerId,
    file: FILE,
    level: 'convicted',
    state: NEW_STANDING,
    model: MODEL,
  } as const;
  const slashing = { provider: provider.peerId, file: FILE, percent: 10, reason: 'Two auditors found so.' };
  const rest = convict ? { standing, slashing } : { standing: null, slashing: null };
  const fees = { auditors: [one.peerId, two.peerId], fromMs: world.now() + WITHHELD_MS };
  await table.settle({ receipt, settled, auditors: [], fees, liars, ...rest }, world.now());
}

/** Everything that was due is in the ledger, or never will be. */
async function settled(): Promise<void> {
  while (table.dues.dues(world.now()).length + table.dues.slashings().length > 0) await world.clock.advance(5);
}

async function close(one: AuditDues): Promise<void> {
  await world.until(one.close());
}

describe('the dues of audits', () => {
  it('pay each auditor once, also when the process ends before it is noted', async () => {
    await wrongAnswer(false);
    world.skip(WITHHELD_MS);
    const [first] = table.dues.dues(world.now());
    await world.append(first!.body);
    open();
    await settled();
    const pool = PAID / 5;
    expect([free(one), free(two)]).toEqual([pool, 0]);
    expect(table.dues.dues(world.now())).toEqual([]);
    expect(world.failures).toEqual([]);
  });

  it('are withheld from auditors for a while, and never paid to one that is found to lie meanwhile', async () => {
    await wrongAnswer(false);
    open();
    await settled();
    expect([free(one), free(two)]).toEqual([0, 0]);
    await wrongAnswer(false, [one.peerId]);
    // Nobody has to file anything for it.
    world.skip(WITHHELD_MS - 60_000);
    await world.clock.advance(60_000);
    await settled();
    expect(free(one)).toBe(0);
    expect(free(two)).toBe((2 * PAID) / 5);
  });

  it('slash who was convicted, give the payers back what they paid, and undo it when that is forgiven', async () => {
    const [before, had] = [free(payer), free(provider)];
    await wrongAnswer(false);
    await wrongAnswer(true);
    expect(free(payer)).toBe(before - 2 * PAID);
    const slashed = open();
    await settled();
    const { stake } = world.ledger.account(provider.peerId);
    expect(stake).toBe(STAKE * 0.9);
    // What it got is taken back; what auditors and treasury got is not.
    expect(free(payer)).toBe(before - 2 * PAID * 0.3);
    expect(free(provider)).toBe(had);
    expect(told).toEqual([provider.peerId]);
    const event = slashed.slashedBy(provider.peerId)!;
    const [entry] = await world.ledger.store.entries(event, 1);
    expect(entry).toMatchObject({ index: event, kind: 'slash' });
    await close(slashed);

    // Once: whoever opens it again finds nothing more to do.
    const { size } = world.ledger;
    const again = open();
    await settled();
    expect([world.ledger.size, again.slashedBy(provider.peerId)]).toEqual([size, event]);
    await close(again);

    await table.forgive([provider.peerId]);
    open();
    await settled();
    const treasury = Number((await world.ledger.store.read([accountKey('treasury')])).get(accountKey('treasury')));
    // As far as the treasury has it.
    expect(world.ledger.account(provider.peerId).stake).toBe(STAKE);
    expect(free(provider)).toBeGreaterThan(had);
    expect(treasury).toBeGreaterThanOrEqual(0);
    await table.forgive([provider.peerId]);
    expect(table.dues.dues(world.now())).toEqual([]);
    expect(world.failures).toEqual([]);
  });

  it('carry out what was recorded while there was no ledger, and what was cut short', async () => {
    await wrongAnswer(true);
    const [slashing] = table.dues.slashings();
    const { model, reports } = table.dues.conviction(slashing!)!;
    expect(reports).toHaveLength(2);
    const { reason } = slashing!;
    await world.append({ kind: 'slash', provider: provider.peerId, model, file: FILE, reports, reason });
    expect(world.ledger.account(provider.peerId).stake).toBe(STAKE * 0.9);
    open();
    await settled();
    expect(world.ledger.account(provider.peerId).stake).toBe(STAKE * 0.9);
    const postings = await world.ledger.store.history(payer.peerId, Number.MAX_SAFE_INTEGER, 1);
    expect(postings[0]).toMatchObject({ kind: 'reverse' });
    expect(postings[0]!.postings).toContainEqual({
      ...{ account: accountOf('free', payer.peerId), amount: PAID * 0.7, reason: 'reversed' },
    });
  });

  it('say that a conviction without reports cannot be carried out, once', async () => {
    await table.settle(
      {
        ...{ receipt: randomBytes(32), auditors: [], standing: null, liars: [], fees: { auditors: [], fromMs: 0 } },
        settled: { verdict: 'deviates', log10E: 3, judged: [], judges: [], contradicted: [], confirmed: [] },
        slashing: { provider: provider.peerId, file: FILE, percent: 10, reason: '' },
      },
      world.now(),
    );
    const { size } = world.ledger;
    const first = open();
    await settled();
    expect(world.failures).toMatchObject([{ message: expect.stringContaining('no longer kept') }]);
    await close(first);
    open();
    await settled();
    expect([world.failures.length, world.ledger.size]).toEqual([1, size]);
  });

  it('wait while the ledger cannot write, and lose nothing', async () => {
    await wrongAnswer(false);
    world.skip(WITHHELD_MS);
    const { ledger, clock, now } = world;
    let busy = true;
    const append: typeof ledger.append = (body) =>
      busy ? Promise.reject(new MeshError('busy', 'Not now.')) : ledger.append(body);
    const failed = (error: unknown) => world.failures.push(error);
    const port = { ...NO_LEDGER, mode: ledger.mode, append };
    dues = new AuditDues({ clock, now, ledger: port, table: table.dues, failed, slashed: () => {} });
    while (world.failures.length === 0) await clock.advance(5);
    expect(table.dues.dues(world.now())).toHaveLength(2);
    expect(world.failures).toMatchObject([{ code: 'busy' }]);
    busy = false;
    await settled();
    expect(free(one)).toBeGreaterThan(0);
  });
});
