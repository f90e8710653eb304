/** Out of quarantine, on a real control plane: peers at addresses that a proxy names, reports that they really sign. */
import { expect, test } from 'vitest';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { signOrder } from '@llmesh/core/ledger/order';
import { readLeases } from '@llmesh/core/receipts/lease';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import { auditedPlanes } from '../testing/audited-planes.ts';
import { accused, audited, auditorFrom, comes, drawnOf, files, lends, reportOf } from '../testing/audits.ts';
import { newIdentity, TINY, type MeshPeer } from '../testing/clients.ts';

type Standing = Extract<FromServer, { type: 'standing' }>;
type Question = Extract<FromServer, { type: 'question' }>;

const own = [newIdentity(), newIdentity()];
const { start } = auditedPlanes();

/** The first of these that is asked to question somebody. */
async function firstAsked(workers: readonly MeshPeer[]): Promise<{ worker: MeshPeer; question: Question }> {
  return Promise.race(
    workers.map(async (worker) => ({
      worker,
      question: await worker.next('a question', (one): one is Question => one?.type === 'question'),
    })),
  );
}

test('a quarantined provider whose owner asks for it is questioned by others, and freed when enough answers agree', async () => {
  const vouched = new Set(own.map(({ peerId }) => peerId));
  const { port } = await start({ audits: { retestMs: 100, platform: vouched } });
  const lender = await comes(port, '198.51.100.1');
  await lends(lender);
  const asker = await comes(port, '203.0.113.1');
  const platform = await Promise.all(own.map((identity) => auditorFrom(port, '198.51.100.1', identity)));
  let issuer = '';
  for (let level = ''; level !== 'quarantined';) {
    const answer = await audited(asker, lender);
    issuer = readLeases(fromBase32(answer.filing.lease)!)!.issuer;
    await accused({ requester: asker, provider: lender, auditors: platform }, answer, 2);
    ({ level } = await lender.says('standing'));
  }
  expect(
    (
      await asker.match(
        TINY,
        9,
        own.map(({ peerId }) => peerId),
      )
    ).candidates,
  ).toEqual([]);

  const workers = [...platform, await auditorFrom(port, '192.0.2.1'), await auditorFrom(port, '192.0.3.1')];
  // One in its own network is not asked.
  const neighbour = await auditorFrom(port, '198.51.100.7');
  const order = await signOrder({ kind: 'retest' }, { issuer: issuer as never, ms: Date.now() }, lender.identity);
  lender.send({ type: 'order', requestId: 7, order: toBase32(order) });
  const { question } = await firstAsked(workers);
  expect(question).toMatchObject({ provider: lender.id, model: TINY });

  let freed: Standing | null = null;
  const isFreed = (one: FromServer | null): one is Standing => one?.type === 'standing' && one.level !== 'quarantined';
  const standing = lender.next('the end of its quarantine', isFreed).then((one) => (freed = one));
  // One auditor does not settle what another has to confirm, and which of them is drawn first is chance.
  while (freed === null) {
    const stranger = await comes(port, '192.0.4.1');
    const answer = await audited(stranger, lender);
    for (const one of drawnOf(answer.audit, [...workers, neighbour])) {
      expect(one).not.toBe(neighbour);
      expect(await files(one, await reportOf(one, lender, answer, 0))).toBe('filed');
    }
    await lender.settled();
  }
  const { reason } = await standing;
  expect(reason).toMatch(/^The quarantine has ended, because enough answers/);
  const others = [...own.map(({ peerId }) => peerId), ...workers.map(({ id }) => id), neighbour.id];
  expect((await asker.match(TINY, 9, others)).candidates).toMatchObject([{ peerId: lender.id }]);
});
