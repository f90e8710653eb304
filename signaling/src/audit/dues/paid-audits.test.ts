/** From the answer that is paid to the stake that is lost, on a real control plane: what audits mean for credits. */
import { expect, test } from 'vitest';
import * as v from 'valibot';
import { toBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { signOrder } from '@llmesh/core/ledger/order';
import { AccountPageSchema, PostingsPageSchema } from '@llmesh/core/wire/credit-pages';
import type { ControlPlane } from '../../server.ts';
import { auditedPlanes } from '../../testing/audited-planes.ts';
import { accused, audited, auditorFrom, comes, lends } from '../../testing/audits.ts';
import { newIdentity } from '../../testing/clients.ts';
import { fundedFolder } from '../../testing/funded-folder.ts';

/** Of what is there to begin with. */
const STAKE = PARAMETERS['uptime-cap'].initial / 5;
/** As many newcomers of one network as get an allowance in one day. */
const NEWCOMERS = 3;
const { start, folder } = auditedPlanes();

test('auditors are paid; who is convicted loses of its stake and what it earned, until that is forgiven', async () => {
  const [provider, requester, ...own] = Array.from({ length: 4 }, newIdentity);
  const dataFolder = folder('data');
  await fundedFolder(dataFolder, [provider!, requester!]);
  const platform = new Set(own.map(({ peerId }) => peerId));
  const options = { dataFolder, audits: { withheldMs: 0, platform } };
  const plane = await start(options);
  const read = async <S extends v.GenericSchema>(path: string, schema: S, { port } = plane) =>
    v.parse(schema, await (await fetch(`http://127.0.0.1:${port}/api/${path}`)).json());
  const account = async (peer: PeerId, at = plane) => read(`account?peer=${peer}`, AccountPageSchema, at);

  // The requester is one newcomer too many, so it pays of its own.
  for (let i = 0; i < NEWCOMERS; i++) await comes(plane.port, `203.0.113.${i + 2}`);
  const asker = await comes(plane.port, '203.0.113.1', requester);
  const lender = await comes(plane.port, '198.51.100.1', provider);
  const order = { kind: 'stake', amount: STAKE } as const;
  const { issuer, ms } = { issuer: await issuerOf(plane), ms: Date.now() };
  lender.send({ type: 'order', requestId: 1, order: toBase32(await signOrder(order, { issuer, ms }, provider!)) });
  await lender.says('filed');
  await lends(lender);
  const auditors = await Promise.all(own.map((identity) => auditorFrom(plane.port, '198.51.100.1', identity)));

  const had = await account(asker.id);
  let reason = '';
  for (let answers = 0; answers < 20; answers++) {
    const answer = await audited(asker, lender);
    await accused({ requester: asker, provider: lender, auditors }, answer, 2);
    const standing = await lender.says('standing');
    reason = standing.reason;
    if (standing.level === 'convicted') break;
  }
  // It is told again once it is in the ledger.
  while (!reason.includes('event')) ({ reason } = await lender.says('standing'));
  const event = Number(/event (\d+) of the ledger/.exec(reason)?.[1]);
  const { postings } = await read(`postings?peer=${lender.id}`, PostingsPageSchema);
  expect(postings.filter(({ index }) => index === event)).toMatchObject([
    { account: 'stake', amount: -STAKE / 10, reason: 'slashed', why: expect.stringContaining('auditors') },
  ]);
  const earned = postings.filter(({ reason: why }) => why === 'earned').reduce((sum, { amount }) => sum + amount, 0);
  expect(earned).toBeGreaterThan(0);
  await expect
    .poll(async () => (await account(asker.id)).account.free, { timeout: 10_000 })
    .toBeGreaterThan(had.account.free - earned);
  const fees = await Promise.all(auditors.map(async ({ id }) => (await account(id)).today.audits));
  expect(Math.max(...fees)).toBeGreaterThan(0);
  expect((await account(lender.id)).account.stake).toBe((STAKE * 9) / 10);
  await plane.close();

  const after = await start({ ...options, forgiven: [lender.id] });
  await expect.poll(async () => (await account(lender.id, after)).account.stake, { timeout: 10_000 }).toBe(STAKE);
});

async function issuerOf({ port }: ControlPlane): Promise<PeerId> {
  const { issuer } = (await (await fetch(`http://127.0.0.1:${port}/api/credits`)).json()) as { issuer: PeerId };
  return issuer;
}
