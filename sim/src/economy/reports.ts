/** What an auditor signs about an answer, in the form in which it is filed. */
import { sha256 } from '@noble/hashes/sha2.js';
import type { EngineName } from '@llmesh/core/proof/engine-name';
import { signReport } from '@llmesh/core/proof/audit-report';
import { leaseOf } from '@llmesh/core/receipts/lease';
import type { SeededRandom } from '../random.ts';
import { MODEL, type Match } from './economy.ts';
import type { EconomyPeer } from './economy-peer.ts';

export const FILE = 'ab'.repeat(32);
const ENGINE = 'llama.cpp/cpu' as EngineName;
const TOKENS = 64;

/** An honest one says what everybody finds; whether it is true, no account can tell. */
export function reportOn(
  { leases }: Match,
  provider: EconomyPeer,
  auditor: EconomyPeer,
  random: SeededRandom,
): Promise<Uint8Array> {
  return signReport(
    {
      leaseNonce: leaseOf(leases, provider.id)!.nonce,
      provider: provider.id,
      ...{ model: MODEL, file: FILE, receipt: sha256(random.bytes(32)) },
      ...{ providerEngine: ENGINE, auditorEngine: ENGINE, outcome: 'scored', reason: '', mode: 'seed' },
      deviations: random.bytes(TOKENS),
    },
    auditor.identity,
  );
}
