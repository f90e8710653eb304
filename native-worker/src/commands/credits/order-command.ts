/** `llmesh transfer`, `stake`, `unstake`, `appeal` and `retest`. */
import { createInterface } from 'node:readline/promises';
import { MeshError } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import { fingerprint, peerName } from '@llmesh/core/identity/names';
import type { Micro } from '@llmesh/core/ledger/credit';
import type { OrderBody } from '@llmesh/core/ledger/order';
import type { Output } from '../../cli/output.ts';
import { fetchAccount } from '../credit-api.ts';
import { creditWords } from '../credit-words.ts';
import { ownIdentity, type CreditOptions } from './own-peer.ts';
import { sendOrder } from './send-order.ts';

export interface TransferOptions extends CreditOptions {
  /** It is not asked for again. */
  yes?: boolean;
}

/** What is sent cannot be taken back, so a person is asked once more. */
export async function transfer(to: PeerId, amount: Micro, options: TransferOptions, output: Output): Promise<void> {
  const what = `${creditWords(amount)} to ${peerName(to)} (${fingerprint(to)}…)`;
  if (options.yes !== true) await confirm(what);
  await carryOut({ kind: 'transfer', to, amount }, `Sent ${what}.`, options, output);
}

export async function stake(amount: Micro, options: CreditOptions, output: Output): Promise<void> {
  await carryOut({ kind: 'stake', amount }, `Put ${creditWords(amount)} at stake.`, options, output);
}

export async function unstake(amount: Micro, options: CreditOptions, output: Output): Promise<void> {
  const done = `Took ${creditWords(amount)} from the stake. "llmesh balance" says when they are free again.`;
  await carryOut({ kind: 'unstake', amount }, done, options, output);
}

/** Also in a mesh without credits. */
export async function appeal(options: CreditOptions, output: Output): Promise<void> {
  await sendOrder({ kind: 'appeal' }, options);
  const done = 'Appealed: five other auditors check the answer again. "llmesh worker status" says what they find.';
  output.print(done, { done: { kind: 'appeal' } });
}

/** Also in a mesh without credits. */
export async function retest(options: CreditOptions, output: Output): Promise<void> {
  await sendOrder({ kind: 'retest' }, options);
  const done =
    'Others will ask this computer some questions, and its next answers are all checked. "llmesh worker status" says what comes of it.';
  output.print(done, { done: { kind: 'retest' } });
}

/** Rejects with cancelled, or with bad_message where nobody can be asked. */
async function confirm(what: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new MeshError('bad_message', `There is no terminal to ask whether to send ${what}. Say --yes to send it.`);
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  // At Ctrl-C and Ctrl-D no answer comes.
  lines.once('close', () => stop.abort());
  const answer = await lines
    .question(`Send ${what}? It cannot be taken back. Write yes to send: `, { signal: stop.signal })
    .catch(() => '');
  lines.close();
  if (answer.trim().toLowerCase() !== 'yes') throw new MeshError('cancelled', 'Nothing was sent.');
}

async function carryOut(body: OrderBody, done: string, options: CreditOptions, output: Output): Promise<void> {
  const { peerId } = await ownIdentity(options);
  await sendOrder(body, options);
  const { account } = await fetchAccount(options.mesh, peerId);
  output.print(`${done} Free now: ${creditWords(account.free)}.`, { done: body, account });
}
