/** A mesh in which answers are audited, with peers from wherever a test wants them, and the papers that both ends sign. */
import { sha256 } from '@noble/hashes/sha2.js';
import { fromBase32, toBase32 } from '@llmesh/core/base/base32';
import { newTaskId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { Identity } from '@llmesh/core/identity/identity';
import { signReport, type AuditReport } from '@llmesh/core/proof/audit-report';
import { leaseOf, readLeases } from '@llmesh/core/receipts/lease';
import { signReceipt } from '@llmesh/core/receipts/receipt';
import type { FromServer } from '@llmesh/core/wire/control-protocol';
import type { ModelAdvert } from '@llmesh/core/wire/model-advert';
import { advertised, MeshPeer, newIdentity, TINY } from './clients.ts';

export const FILE = 'ab'.repeat(32);
export type Audit = Extract<FromServer, { type: 'audit' }>;

/** A model whose answers can be checked. */
export function checkable(changes: Partial<ModelAdvert> = {}): ModelAdvert {
  return { ...advertised(), sha256: FILE, replayable: 'seed', ...changes };
}

/** As `HEARTBEAT_MS`. */
const BEAT_MS = 1_000;

/** Stays here as real programs do. `from`: the address that the proxy in front names. */
export async function comes(port: number, from: string, identity: Identity = newIdentity()): Promise<MeshPeer> {
  const peer = new MeshPeer(port, identity, { headers: { 'X-Forwarded-For': from } });
  await peer.join();
  await peer.says('welcome');
  const timer = setInterval(() => beat(peer), BEAT_MS);
  void peer.closed.then(() => clearInterval(timer));
  return peer;
}

function beat(peer: MeshPeer): void {
  peer.send({ type: 'heartbeat', busySlots: 0, queued: 0, units: 0 });
}

/** Offers this model. Resolves when the control plane knows. */
export async function lends(peer: MeshPeer, model: ModelAdvert = checkable(), slots = 4): Promise<void> {
  peer.send({ type: 'advert', models: [model], slots, certificate: null });
  await peer.settled();
}

export async function auditorFrom(port: number, from: string, identity?: Identity): Promise<MeshPeer> {
  const auditor = await comes(port, from, identity);
  await lends(auditor, checkable({ abilities: ['audit'] }));
  return auditor;
}

/** One answer of this provider, with the lease that the requester asks for, and the receipt that either may file. */
export async function answered(requester: MeshPeer, provider: MeshPeer, units = 40) {
  // However slow this computer is, nobody counts as silent.
  beat(provider);
  await provider.settled();
  requester.send({
    ...{ type: 'match', requestId: 1, model: TINY, maxUnits: units, exclude: [], prefer: null },
    only: [provider.id],
  });
  const { lease } = await requester.says('matched');
  if (lease === null) throw new Error('Nobody answers.');
  const { nonce, task, model, price, priceVersion } = leaseOf(readLeases(fromBase32(lease)!)!, provider.id)!;
  const endedMs = Date.now();
  const receipt = {
    ...{ taskId: newTaskId(), requester: requester.id, provider: provider.id, leaseNonce: nonce, task, model, units },
    ...{ commitment: randomBytes(32), digest: randomBytes(32), result: randomBytes(32), half: randomBytes(16) },
    ...{ inputUnits: 20, startedMs: endedMs - 2_000, endedMs, price, priceVersion },
  };
  const [providerHalf, requesterHalf] = [
    await signReceipt(receipt, provider.identity),
    await signReceipt(receipt, requester.identity),
  ];
  const filing = {
    ...{ type: 'file', requestId: 2, lease },
    proof: { kind: 'receipt', provider: toBase32(providerHalf), requester: toBase32(requesterHalf) },
  };
  return { nonce, receipt: sha256(providerHalf), filing };
}
export type Answered = Awaited<ReturnType<typeof answered>>;

/** Files the receipt of one answer. Resolves with the request for its audit. */
export async function audited(
  requester: MeshPeer,
  provider: MeshPeer,
  units = 40,
): Promise<Answered & { audit: Audit }> {
  const answer = await answered(requester, provider, units);
  requester.send(answer.filing);
  return { ...answer, audit: await requester.says('audit') };
}

/** The report of an auditor: `deviation` at each token; null: it abstains. */
export async function reportOf(
  auditor: MeshPeer,
  provider: MeshPeer,
  { nonce, receipt }: Pick<Answered, 'nonce' | 'receipt'>,
  deviation: number | null,
  changes: Partial<AuditReport> = {},
): Promise<Uint8Array> {
  const found =
    deviation === null
      ? ({ outcome: 'abstained', reason: 'it was busy', mode: null, deviations: new Uint8Array() } as const)
      : ({ outcome: 'scored', reason: '', mode: 'seed', deviations: new Uint8Array(40).fill(deviation) } as const);
  const about = { leaseNonce: nonce, provider: provider.id, model: TINY, file: FILE, receipt };
  const engines = { providerEngine: 'llama.cpp/cpu', auditorEngine: 'llama.cpp/cpu' } as const;
  return await signReport({ ...about, ...engines, ...found, ...changes }, auditor.identity);
}

/** 'filed', or the code and words of the refusal. */
export async function files(auditor: MeshPeer, report: Uint8Array | string): Promise<string> {
  auditor.send({ type: 'report', requestId: 3, report: typeof report === 'string' ? report : toBase32(report) });
  const answer = await auditor.next('an answer', (one) => one?.type === 'filed' || one?.type === 'refused');
  return answer?.type === 'refused' ? `${answer.code}: ${answer.message}` : (answer?.type ?? '');
}

/** Every auditor that is drawn, one after the other, says the same, until so many of these have. Resolves with them. */
export async function accused(
  { requester, provider, auditors }: { requester: MeshPeer; provider: MeshPeer; auditors: readonly MeshPeer[] },
  answer: Answered & { audit: Audit },
  count: number,
): Promise<MeshPeer[]> {
  const accusers: MeshPeer[] = [];
  for (let { audit } = answer; ; audit = await requester.says('audit')) {
    for (const auditor of drawnOf(audit, auditors)) {
      const filed = await files(auditor, await reportOf(auditor, provider, answer, 255));
      if (filed !== 'filed') throw new Error(filed);
      accusers.push(auditor);
    }
    if (accusers.length >= count) return accusers;
  }
}

/** Those who were asked to check it, of these. */
export function drawnOf(audit: Audit, auditors: readonly MeshPeer[]): MeshPeer[] {
  return audit.auditors.map(({ peerId }) => auditors.find(({ id }) => id === peerId)!);
}
