/** Audits on a real control plane over real sockets: peers at addresses that a proxy names, reports that they really sign. */
import { describe, expect, test } from 'vitest';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import type { AuditReport } from '@llmesh/core/proof/audit-report';
import { readDraw, selected } from '@llmesh/core/proof/draw';
import type { FromServer, Offers } from '@llmesh/core/wire/control-protocol';
import type { ControlPlane } from '../server.ts';
import { auditedPlanes, auditsPage as page } from '../testing/audited-planes.ts';
import {
  answered,
  accused,
  audited,
  auditorFrom,
  checkable,
  comes,
  drawnOf,
  files,
  lends,
  reportOf,
} from '../testing/audits.ts';
import { MeshPeer, newIdentity, TINY } from '../testing/clients.ts';

const { start, folder } = auditedPlanes();

/** A provider and a requester, each from a network of its own. */
async function pair(port: number, model = checkable()) {
  const provider = await comes(port, '198.51.100.1');
  await lends(provider, model);
  return { provider, requester: await comes(port, '203.0.113.1') };
}

/** Ten auditors from ten networks. */
async function tenAuditors(port: number): Promise<MeshPeer[]> {
  return await Promise.all(Array.from({ length: 10 }, (_, i) => auditorFrom(port, `192.0.${i + 3}.1`)));
}

const metrics = async ({ port }: ControlPlane) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

describe('a cheating provider', () => {
  test('is quarantined and then convicted by platform auditors, in few answers, also after a restart', async () => {
    const own = [newIdentity(), newIdentity()];
    const dataFolder = folder('restarted');
    const options = { dataFolder, audits: { platform: new Set(own.map(({ peerId }) => peerId)) } };
    const plane = await start(options);
    const { provider, requester } = await pair(plane.port);
    // From the provider's own address: the operator vouches for them.
    const auditors = await Promise.all(own.map((identity) => auditorFrom(plane.port, '198.51.100.1', identity)));
    const levels: string[] = [];
    while (levels.at(-1) !== 'convicted' && levels.length < 20) {
      const answer = await audited(requester, provider);
      // One is drawn. It accuses, so the other is heard, too.
      expect(drawnOf(answer.audit, auditors)).toHaveLength(1);
      expect(new Set(await accused({ requester, provider, auditors }, answer, 2)).size).toBe(2);
      const { level, checked, agreed, reason } = await provider.says('standing');
      expect({ checked, agreed }).toEqual({ checked: levels.length + 1, agreed: 0 });
      expect(reason).toContain(`${checked} of the ${checked} answers with ${TINY}`);
      levels.push(level);
    }
    expect(levels.indexOf('quarantined')).toBeLessThan(5);
    expect(levels.at(-1)).toBe('convicted');
    expect(levels.length).toBeLessThan(10);
    const isTold = async (to: MeshPeer) =>
      await to.next(
        'a warning',
        (one): one is Offers => one?.type === 'offers' && one.shunned?.includes(provider.id) === true,
      );
    await isTold(await comes(plane.port, '203.0.113.8'));
    expect(await metrics(plane)).toMatch(/llmesh_standings_total\{level="convicted"\} 1/);
    expect(await page(plane)).toMatchObject({ convicted: 1, deviates: levels.length, share: 1 });
    await plane.close();

    const again = await start(options);
    const back = await comes(again.port, '198.51.100.77', provider.identity);
    // Under another name, and without saying which file it is.
    for (const model of [checkable({ id: 'other' as typeof TINY }), checkable({ sha256: null })]) {
      await lends(back, model);
      expect(await back.says('standing')).toMatchObject({ level: 'convicted', model: model.id });
      const stranger = await comes(again.port, '203.0.113.9');
      await isTold(stranger);
      expect((await stranger.match(model.id)).candidates).toEqual([]);
      // Who names it may have it.
      stranger.send({
        ...{ type: 'match', requestId: 5, model: model.id, maxUnits: 9, exclude: [], prefer: back.id },
        only: [back.id],
      });
      expect((await stranger.says('matched')).candidates).toMatchObject([{ peerId: back.id, reliability: 0 }]);
    }
    await again.close();

    const after = await start({ ...options, forgiven: [provider.id] });
    await lends(await comes(after.port, '198.51.100.77', provider.identity));
    const stranger = await comes(after.port, '203.0.113.9');
    expect((await stranger.match(TINY)).candidates).toMatchObject([{ peerId: provider.id }]);
  });

  test('is found by strangers: more are drawn for an answer in doubt', async () => {
    const plane = await start();
    const { provider, requester } = await pair(plane.port);
    const auditors = await tenAuditors(plane.port);
    const answer = await audited(requester, provider);
    const asked = await accused({ requester, provider, auditors }, answer, 5);
    expect(new Set(asked).size).toBe(5);
    expect(await provider.says('standing')).toMatchObject({ level: 'suspected', checked: 1, agreed: 0 });
    expect(
      (
        await requester.match(
          TINY,
          9,
          auditors.map(({ id }) => id),
        )
      ).candidates,
    ).toContainEqual(expect.objectContaining({ peerId: provider.id, reliability: expect.closeTo(0.36, 1) }));
  });

  test('is checked by what it offered when it was asked, whatever it offers when the receipt comes', async () => {
    const plane = await start();
    const { provider, requester } = await pair(plane.port);
    await auditorFrom(plane.port, '192.0.3.1');
    const answer = await answered(requester, provider);
    await lends(provider, checkable({ sha256: null }));
    requester.send(answer.filing);
    expect((await requester.says('audit')).auditors).toHaveLength(1);
  });
});

describe('an audit', () => {
  test('is drawn so that nobody chose it, goes to independent ones, and is no answer to be audited itself', async () => {
    const plane = await start();
    const { provider, requester } = await pair(plane.port, checkable({ abilities: ['audit'] }));
    await auditorFrom(plane.port, '198.51.100.2');
    await auditorFrom(plane.port, '203.0.113.2');
    await auditorFrom(plane.port, '127.0.0.1');
    await auditorFrom(plane.port, '192.168.1.1');
    const other = await auditorFrom(plane.port, '192.0.3.1');
    await auditorFrom(plane.port, '192.0.3.2');
    const { audit, receipt, nonce } = await audited(requester, provider);
    // Neither the provider itself, nor its neighbours, the requester's, each other's, nor anyone from nowhere.
    expect(audit.auditors.map(({ peerId }) => peerId)).toHaveLength(1);
    const network = audit.auditors[0]!.peerId;
    const draw = readDraw(fromBase32(audit.draw)!, await issuerOf(plane))!;
    expect(selected(draw.beta, receipt, 1)).toBe(true);
    const auditor = network === other.id ? other : null;
    if (auditor !== null)
      expect(await files(auditor, await reportOf(auditor, provider, { nonce, receipt }, 0))).toBe('filed');
    expect(fromBase32(audit.leaseId)).toEqual(nonce);
  });

  test('takes no report that is forged, unasked, or about something else', async () => {
    const plane = await start();
    const { provider, requester } = await pair(plane.port);
    const auditor = await auditorFrom(plane.port, '192.0.3.1');
    const stranger = await comes(plane.port, '192.0.4.1');
    const answer = await audited(requester, provider);
    const by = (changes: Partial<AuditReport> = {}, who = auditor) => reportOf(who, provider, answer, 255, changes);
    expect(await files(auditor, await by({ leaseNonce: new Uint8Array(16) }))).toMatch(/No such answer/);
    expect(await files(auditor, await by({ receipt: new Uint8Array(32) }))).toMatch(/another answer/);
    expect(await files(auditor, await by({ file: 'cd'.repeat(32) }))).toMatch(/another answer/);
    expect(await files(auditor, await by({}, stranger))).toMatch(/another computer/);
    expect(await files(stranger, await by({}, stranger))).toMatch(/was not drawn/);
    expect(await files(auditor, 'aaaa')).toMatch(/cannot be read/);
    const forged = await by();
    forged[60]! ^= 1;
    expect(await files(auditor, forged)).toMatch(/signature is wrong/);
    expect(await page(plane)).toMatchObject({ deviates: 0, agrees: 0 });
    // A giant one is not even read.
    auditor.send({ type: 'report', requestId: 4, report: 'a'.repeat(20_000) });
    expect(await auditor.says('refused')).toMatchObject({ code: 'message_too_large' });
    expect(await files(auditor, await by())).toBe('filed');
  });

  test('takes one report of each, the same one again, and no flood', async () => {
    const plane = await start({ audits: { confirmed: 1 } });
    const { provider, requester } = await pair(plane.port);
    const auditors = await Promise.all(['192.0.3.1', '192.0.4.1'].map((from) => auditorFrom(plane.port, from)));
    const answer = await audited(requester, provider);
    const [one] = drawnOf(answer.audit, auditors) as [MeshPeer];
    const other = auditors.find((auditor) => auditor !== one)!;
    const report = await reportOf(one, provider, answer, 0);
    // Two copies at once: the second comes before the first is on the disk.
    one.send({ type: 'report', requestId: 2, report: toBase32(report) });
    expect(await files(one, report)).toBe('filed');
    await one.says('filed');
    expect(await files(one, report)).toBe('filed');
    expect(await files(one, await reportOf(one, provider, answer, 255))).toMatch(/Another one/);
    expect(await files(other, await reportOf(other, provider, answer, 0))).toBe('filed');
    expect(await provider.says('standing')).toMatchObject({ level: 'good', checked: 1, agreed: 1, reason: '' });
    // Once it is over, too.
    expect(await files(one, report)).toBe('filed');
    expect((await page(plane)).pairs).toMatchObject([{ agrees: 2, calibrated: true, tokens: 80, meanDeviation: 0 }]);
    for (let i = 0; i < 30; i++) one.send({ type: 'report', requestId: i, report: 'aaaa' });
    expect(await files(one, report)).toMatch(/bad_message/);
    await one.next('a limit', (told): told is Refused => told?.type === 'refused' && told.code === 'rate_limited');
    expect(await metrics(plane)).toMatch(/llmesh_audit_reports_refused_total\{code="rate_limited"\}/);
  });

  test('of what nobody can judge has no consequence: abstentions, engines without calibration, other engines', async () => {
    const plane = await start();
    const { provider, requester } = await pair(plane.port, checkable({ backend: 'cuda' }));
    const auditor = await auditorFrom(plane.port, '192.0.3.1');
    const odd = [
      // Also what a requester that frames gets: its evidence does not fit, so the auditor abstains.
      [null, {}],
      [255, { providerEngine: 'llama.cpp/cuda' }],
      [255, { providerEngine: 'llama.cpp/cpu' }],
    ] as const;
    for (const [deviation, changes] of odd) {
      const answer = await audited(requester, provider);
      expect(await files(auditor, await reportOf(auditor, provider, answer, deviation, changes))).toBe('filed');
    }
    const { unknown, deviates, pairs, suspected } = await page(plane);
    expect({ unknown, deviates, suspected }).toEqual({ unknown: 3, deviates: 0, suspected: 0 });
    // Shadow mode: what a calibration is made from, under the engines that the adverts name.
    expect(pairs).toMatchObject([{ provider: 'llama.cpp/cuda', unknown: 1, meanDeviation: 1 }]);
    expect(pairs[0]).toMatchObject({ calibrated: false, falsePositivesPerAudit: null });
    expect(pairs[0]?.histogram.at(-1)).toBe(1);
    expect((await requester.match(TINY, 4, [auditor.id])).candidates).toMatchObject([
      { peerId: provider.id, reliability: expect.closeTo(0.92, 1) },
    ]);
  });
});

type Refused = Extract<FromServer, { type: 'refused' }>;

async function issuerOf({ port }: ControlPlane) {
  const peer = new MeshPeer(port);
  await peer.join();
  return (await peer.says('welcome')).issuer;
}
