/** From the conviction to what five others say about it, on a real control plane: peers at addresses that a proxy names. */
import { expect, test } from 'vitest';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import type { Identity } from '@llmesh/core/identity/identity';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import { signOrder, type OrderBody } from '@llmesh/core/ledger/order';
import { leaseOf, readLeases } from '@llmesh/core/receipts/lease';
import { AccountPageSchema } from '@llmesh/core/wire/credit-pages';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import * as v from 'valibot';
import type { ControlPlane, ControlPlaneOptions } from '../server.ts';
import { auditedPlanes } from '../testing/audited-planes.ts';
import {
  accused,
  audited,
  auditorFrom,
  comes,
  drawnOf,
  files,
  lends,
  reportOf,
  type Answered,
  type Audit,
} from '../testing/audits.ts';
import { newIdentity, TINY, type MeshPeer } from '../testing/clients.ts';
import { fundedFolder } from '../testing/funded-folder.ts';

const STAKE = PARAMETERS['uptime-cap'].initial / 5;
const planes = auditedPlanes();

/** `own`: the operator's auditors. */
function start(own: readonly Identity[], options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const platform = new Set(own.map(({ peerId }) => peerId));
  return planes.start({ ...options, audits: { withheldMs: 0, platform } });
}

type Standing = Extract<FromServer, { type: 'standing' }>;
const standing = (peer: MeshPeer, wanted: (one: Standing) => boolean) =>
  peer.next('its standing', (one): one is Standing => one?.type === 'standing' && wanted(one));

async function orders(peer: MeshPeer, issuer: Identity['peerId'], body: OrderBody): Promise<string> {
  const order = await signOrder(body, { issuer, ms: Date.now() }, peer.identity);
  peer.send({ type: 'order', requestId: 7, order: toBase32(order) });
  const answer = await peer.next('an answer', (one) => one?.type === 'filed' || one?.type === 'refused');
  return answer?.type === 'refused' ? `${answer.code}: ${answer.message}` : (answer?.type ?? '');
}

/** A provider that the operator's two auditors have convicted, and five others who could check it again. */
async function convicted(plane: ControlPlane, own: readonly Identity[], ends: readonly Identity[]) {
  const [lender, asker] = [
    await comes(plane.port, '198.51.100.1', ends[0]),
    await comes(plane.port, '203.0.113.1', ends[1]),
  ];
  await lends(lender);
  const accusers = await Promise.all(own.map((identity) => auditorFrom(plane.port, '198.51.100.1', identity)));
  let answer: (Answered & { audit: Audit }) | null = null;
  for (let answers = 0; answers < 9; answers++) {
    answer = await audited(asker, lender);
    await accused({ requester: asker, provider: lender, auditors: accusers }, answer, 2);
    if ((await lender.says('standing')).level === 'convicted') break;
  }
  const others = await Promise.all([3, 4, 5, 6, 7].map((i) => auditorFrom(plane.port, `192.0.${i}.1`)));
  const { issuer } = readLeases(fromBase32(answer!.filing.lease)!)!;
  return { lender, asker, others, answer: answer!, issuer };
}

/** Those to whom the asker is to send the evidence of this answer, each with a lease for that. */
async function calledTo(asker: MeshPeer, others: readonly MeshPeer[], { nonce }: Answered): Promise<MeshPeer[]> {
  const drawn: MeshPeer[] = [];
  while (drawn.length < 5) {
    const call = await asker.says('audit');
    if (call.leaseId !== toBase32(nonce)) continue;
    const leases = readLeases(fromBase32(call.lease)!)!;
    expect(leases.requester).toBe(asker.id);
    for (const auditor of drawnOf(call, others)) {
      expect(leaseOf(leases, auditor.id)).not.toBeNull();
      drawn.push(auditor);
    }
  }
  expect(new Set(drawn).size).toBe(5);
  return drawn;
}

test('five others who were not drawn before find nothing: it starts anew, also where there are no credits', async () => {
  const [own, ends] = [
    [newIdentity(), newIdentity()],
    [newIdentity(), newIdentity()],
  ];
  const plane = await start(own, { credits: 'off' });
  const { lender, asker, others, answer, issuer } = await convicted(plane, own, ends);
  expect(await orders(asker, issuer, { kind: 'appeal' })).toMatch(/^order_refused: .*not convicted/);
  expect(await orders(lender, issuer, { kind: 'appeal' })).toBe('filed');
  // The owner hears of it before, and again with the next advert.
  await lends(lender);
  await standing(lender, ({ reason }) => reason.includes('being heard'));
  const drawn = await calledTo(asker, others, answer);
  // Those who convicted it are not heard again.
  for (const auditor of drawn) expect(await files(auditor, await reportOf(auditor, lender, answer, 0))).toBe('filed');
  expect(await standing(lender, ({ level }) => level === 'good')).toMatchObject({ checked: 0, reason: '' });
  expect(
    (
      await asker.match(
        TINY,
        9,
        others.map(({ id }) => id),
      )
    ).candidates,
  ).toContainEqual(expect.objectContaining({ peerId: lender.id }));
  expect(await orders(lender, issuer, { kind: 'appeal' })).toMatch(/^order_refused: .*not convicted/);
});

test('five others find the same: the conviction stands, its provider pays them, and there is no second appeal', async () => {
  const [own, ends] = [
    [newIdentity(), newIdentity()],
    [newIdentity(), newIdentity()],
  ];
  const dataFolder = planes.folder('upheld');
  await fundedFolder(dataFolder, ends);
  const plane = await start(own, { dataFolder });
  const account = async (peer: string) => {
    const response = await fetch(`http://127.0.0.1:${plane.port}/api/account?peer=${peer}`);
    return v.parse(AccountPageSchema, await response.json());
  };
  const { lender, asker, others, answer, issuer } = await convicted(plane, own, ends);
  expect(await orders(lender, issuer, { kind: 'stake', amount: STAKE })).toBe('filed');
  expect(await orders(lender, issuer, { kind: 'appeal' })).toBe('filed');
  const drawn = await calledTo(asker, others, answer);
  for (const auditor of drawn) expect(await files(auditor, await reportOf(auditor, lender, answer, 255))).toBe('filed');
  expect(await standing(lender, ({ reason }) => reason.includes('found the same after your appeal'))).toMatchObject({
    level: 'convicted',
  });
  await expect.poll(async () => (await account(lender.id)).account.stake, { timeout: 10_000 }).toBe(0);
  const fees = await Promise.all(drawn.map(async ({ id }) => (await account(id)).today.audits));
  expect(fees.filter((fee) => fee > 0).length).toBeGreaterThan(0);
  expect(await orders(lender, issuer, { kind: 'appeal' })).toMatch(/^order_refused: .*already/);
});

test('who is suspected may ask to be tested again: all of its next answers are checked, once an hour', async () => {
  const plane = await start([]);
  const lender = await comes(plane.port, '198.51.100.1');
  const asker = await comes(plane.port, '203.0.113.1');
  await lends(lender);
  const auditors = await Promise.all([3, 4, 5, 6, 7].map((i) => auditorFrom(plane.port, `192.0.${i}.1`)));
  const first = await audited(asker, lender);
  const { issuer } = readLeases(fromBase32(first.filing.lease)!)!;
  expect(await orders(lender, issuer, { kind: 'retest' })).toMatch(/^order_refused: Nothing is held against/);
  await accused({ requester: asker, provider: lender, auditors }, first, 5);
  await standing(lender, ({ level }) => level === 'suspected');
  expect(await orders(lender, issuer, { kind: 'retest' })).toBe('filed');
  expect(await orders(lender, issuer, { kind: 'retest' })).toMatch(/^rate_limited: /);
});
