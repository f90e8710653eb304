/** `llmesh balance` and `llmesh receipts`: what this computer has, and where it comes from. */
import type { PeerId } from '@llmesh/core/base/ids';
import { peerName } from '@llmesh/core/identity/names';
import type { Output } from '../../cli/output.ts';
import { eachPosting, fetchAccount, fetchCredits } from '../credit-api.ts';
import { accountLines, postingLine, rateWords } from '../credit-words.ts';
import { peerOf, type CreditOptions } from './own-peer.ts';

/** Where nothing is said: about a screen full. */
const MOST_SHOWN = 50;

export interface BalanceOptions extends CreditOptions {
  peer?: PeerId;
}

export async function showBalance(options: BalanceOptions, output: Output): Promise<void> {
  const { mesh } = options;
  const peerId = await peerOf(options);
  const [page, credits] = await Promise.all([fetchAccount(mesh, peerId), fetchCredits(mesh)]);
  const { mode, uptimePerHour, credit } = credits;
  const unit = credit === undefined ? 'credits' : `${credit.name} (${credit.symbol})`;
  const lines = [`${peerName(peerId)} on ${mesh.origin}, in ${unit}`, ...accountLines(page), rateWords(credits)];
  output.print(lines.join('\n'), {
    mesh: mesh.origin,
    peerId,
    mode,
    uptimePerHour,
    ...(credit && { credit }),
    ...page,
  });
}

export interface ReceiptsOptions extends BalanceOptions {
  /** Milliseconds since 1970; left out: the last ones. */
  since?: number;
}

/** Every change since then, newest first; as JSON one a line. */
export async function showReceipts({ since, ...options }: ReceiptsOptions, output: Output): Promise<void> {
  const { mesh } = options;
  const peerId = await peerOf(options);
  let shown = 0;
  for await (const posting of eachPosting(mesh, peerId)) {
    if (since === undefined ? shown === MOST_SHOWN : posting.ms < since) break;
    output.print(postingLine(posting), posting);
    shown++;
  }
  if (shown === 0)
    output.note(`Nothing has changed the account of ${peerName(peerId)} ${since === undefined ? 'yet' : 'since'}.`);
  else if (shown === MOST_SHOWN && since === undefined) output.note('There may be more: see --since.');
}
