/** Known answers on a real control plane: a maker, the stranger by whom it has itself asked, and auditors, on real sockets. */
import { expect, test } from 'vitest';
import { toBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import { signOrder } from '@llmesh/core/ledger/order';
import type { ControlPlane } from '../server.ts';
import { auditedPlanes, auditsPage as page } from '../testing/audited-planes.ts';
import { answered, audited, auditorFrom, comes, drawnOf, files, reportOf } from '../testing/audits.ts';
import { MeshPeer } from '../testing/clients.ts';

const { start, folder } = auditedPlanes();

/** Brings the maker's order. Resolves with 'filed', or the code and words of the refusal. */
async function announced(carrier: MeshPeer, maker: MeshPeer, requester: PeerId): Promise<string> {
  const order = await signOrder(
    { kind: 'known-answers', requester },
    { issuer: await issuerOf(carrier), ms: Date.now() },
    maker.identity,
  );
  carrier.send({ type: 'order', requestId: 7, order: toBase32(order) });
  const answer = await carrier.next('an answer', (one) => one?.type === 'filed' || one?.type === 'refused');
  return answer?.type === 'refused' ? `${answer.code}: ${answer.message}` : (answer?.type ?? '');
}

const issuers = new WeakMap<MeshPeer, PeerId>();
async function issuerOf(peer: MeshPeer): Promise<PeerId> {
  return issuers.get(peer) ?? Promise.reject(new Error('It was not welcomed.'));
}

async function stranger(plane: ControlPlane, from: string): Promise<MeshPeer> {
  const peer = await comes(plane.port, from);
  issuers.set(peer, (await welcome(plane)).issuer);
  return peer;
}

/** What the control plane says to anybody. */
async function welcome(plane: ControlPlane) {
  const peer = new MeshPeer(plane.port);
  await peer.join();
  return peer.says('welcome');
}

test('an auditor that agrees without computing is found by a doctored answer, and its maker stands as before', async () => {
  const dataFolder = folder('found');
  const plane = await start({ dataFolder });
  const maker = await auditorFrom(plane.port, '198.51.100.1');
  const auditors = await Promise.all([3, 4, 5, 6, 7, 8].map((i) => auditorFrom(plane.port, `192.0.${i}.1`)));
  const asker = await stranger(plane, '198.51.100.2');
  expect(await announced(asker, maker, asker.id)).toBe('filed');
  const answer = await audited(asker, maker);
  // The requester is drawn, too: it knows what the answer is, and asks only the other.
  const [lazy] = drawnOf(answer.audit, auditors) as [MeshPeer];
  expect(answer.audit.auditors).toHaveLength(1);
  expect(await files(lazy, await reportOf(lazy, maker, answer, 0))).toBe('filed');
  expect(await files(asker, await reportOf(asker, maker, answer, 255))).toBe('filed');
  // They contradict each other: five read it in all.
  const more = drawnOf(await asker.says('audit'), auditors);
  expect(more).toHaveLength(3);
  expect(more).not.toContain(lazy);
  for (const one of more) expect(await files(one, await reportOf(one, maker, answer, 255))).toBe('filed');
  // Nothing follows for the maker. That it was drawn, is counted: those who are to read it would miss it there.
  expect(await page(plane)).toMatchObject({ answers: 1, drawn: 1, checked: 0, deviates: 0, suspected: 0, pairs: [] });
  // The lazy one is not asked about others any more, also after a restart.
  await plane.close();
  const again = await start({ dataFolder });
  const back = await auditorFrom(again.port, '192.0.4.1', lazy.identity);
  await expectNobody(again, back);
});

/** A provider's answer has no auditor: this one is not heard. */
async function expectNobody(plane: ControlPlane, auditor: MeshPeer): Promise<void> {
  const provider = await auditorFrom(plane.port, '198.51.100.1');
  const requester = await stranger(plane, '203.0.113.1');
  requester.send((await answered(requester, provider)).filing);
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${plane.port}/metrics`)).text())
    .toMatch(/llmesh_audits_not_drawn_total\{[^}]*no_auditor[^}]*\} 1/);
  // With a known answer it can clear itself.
  const maker = await auditorFrom(plane.port, '198.51.101.1');
  const asker = await stranger(plane, '198.51.101.2');
  expect(await announced(asker, maker, asker.id)).toBe('filed');
  const names = (await audited(asker, maker)).audit.auditors.map(({ peerId }) => peerId);
  // The first provider could read it, too.
  expect([auditor.id, provider.id]).toEqual(expect.arrayContaining(names));
}

test('nobody can call a stranger’s question a test: both ends have to say so, and to be there', async () => {
  const plane = await start();
  const maker = await auditorFrom(plane.port, '198.51.100.1');
  issuers.set(maker, (await welcome(plane)).issuer);
  const asker = await stranger(plane, '203.0.113.1');
  expect(await announced(maker, maker, asker.id)).toMatch(/^order_refused: .*says so itself/);
  await auditorFrom(plane.port, '192.0.3.1');
  const { audit } = await audited(asker, maker);
  expect(audit.auditors).toHaveLength(1);
  // It is an answer like any other: its requester is no auditor of it.
  expect(await page(plane)).toMatchObject({ drawn: 1 });
});
