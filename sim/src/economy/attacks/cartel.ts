/** Auditors in league, fewer than a third: they convict everybody but their friends, without reading anything. */
import { accountOf } from '@llmesh/core/ledger/account';
import type { PeerId } from '@llmesh/core/base/ids';
import { AuditedMesh } from '../../audits/audited-mesh.ts';
import { levelOf } from '@llmesh/core/proof/standing';
import { arena, PRICE, type Figure } from '../arena.ts';
import type { EconomyPeer } from '../economy-peer.ts';
import { reportOn } from '../reports.ts';

const LENDERS = 30;
const LIARS = 0.3;
const MESH = { providers: LENDERS, requesters: 40, minutes: 4, questionsPerMinute: 15, share: 0.02 };
/** What each answer that is checked stands for: at a share of 2 %, fifty of three hundred units. */
const UNITS_A_CHECK = 15_000;

/**
 * Which answers are checked, by whom, and who is still asked afterwards is decided by the code of the control plane, see
 * `AuditedMesh`. Each report that is paid for is paid here, out of what the answers of its provider have put aside for checks.
 */
export async function auditorCartel(seed: number): Promise<Figure> {
  const mesh = new AuditedMesh({ ...MESH, seed, cheats: 0, cheated: 0, lyingAuditors: LIARS });
  await mesh.run();
  const { economy, attackers: lenders, askers } = await arena(seed, LENDERS);
  const keys = new Map<PeerId, EconomyPeer>(mesh.lenders.map(({ peerId }, i) => [peerId, lenders[i]!]));
  const cartel = lenders.filter((_, i) => mesh.lenders[i]!.lies);
  const others = lenders.filter((_, i) => !mesh.lenders[i]!.lies);
  const start = economy.wealth(cartel);
  let turn = 0;
  const fees = new Map<EconomyPeer, number>();
  for (const { provider, paid } of mesh.checks) {
    const key = keys.get(provider.peerId)!;
    const match = await economy.deal(askers[turn++ % askers.length]!, key, UNITS_A_CHECK, PRICE);
    for (const one of paid) {
      // What is withheld from one that is found to lie is never paid.
      if (!mesh.isHeard(one)) continue;
      const auditor = keys.get(one.peerId)!;
      const before = economy.balance(accountOf('free', auditor.id));
      economy.tryPost({ kind: 'audit-fee', report: await reportOn(match, key, auditor, economy.random) });
      fees.set(auditor, (fees.get(auditor) ?? 0) + economy.balance(accountOf('free', auditor.id)) - before);
    }
  }
  const each = (some: readonly EconomyPeer[]) =>
    Math.round(some.reduce((sum, one) => sum + (fees.get(one) ?? 0), 0) / some.length);
  const banned = mesh.lenders.filter((one) => !one.lies && levelOf(mesh.standingOf(one)) !== 'good').length;
  const unheard = mesh.lenders.filter((one) => one.lies && !mesh.isHeard(one)).length;
  return {
    start,
    end: start + each(cartel) * cartel.length,
    honest: start + each(others) * cartel.length,
    note: `${mesh.checks.length} checks; ${banned} honest volunteers lost their questions; ${unheard} of ${cartel.length} liars are not asked any more`,
  };
}
