/** What the ledger can take, how soon it is final, and whether it ever forgets: see `docs/credits.md`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killRounds } from '@llmesh/signaling/testing/kill-rounds';
import { finality } from './finality.ts';
import { grow } from './grow.ts';
import { logAppend } from './log-append.ts';
import { logVerify } from './log-verify.ts';
import { receiptRate } from './receipts.ts';

export interface LedgerOptions {
  rounds: number;
  receipts: number;
  kills: number;
  /** Seconds. */
  finality: number;
  leaves: number;
  /** Events; then only this is measured. */
  grow?: number;
  /** With `grow`: and the rows in the database that so many more events would have left. */
  oldRows?: number;
  /** With `grow`: the database is made again from the log, too. */
  rebuild?: true;
}

/** What comes between two checkpoints of a busy ledger. */
const PORTION = 4_096;
const LEAF_BYTES = 1_100;
/** How long a ledger that is to be killed lives at most. */
const LIFE_MS = 1_500;

export async function ledger(options: LedgerOptions) {
  if (options.grow !== undefined) {
    return { bench: 'ledger-growth', ...(await grow(options.grow, options.rebuild === true, options.oldRows)) };
  }
  const rate = await receiptRate(options);
  say('receipts', rate);
  const final = await finality(options.finality);
  say('final', final);
  const append = await logAppend({
    leaves: Math.min(options.leaves, 200_000),
    portion: PORTION,
    leafBytes: LEAF_BYTES,
  });
  say('log', append);
  const verify = await logVerify({ leaves: options.leaves, leafBytes: 300 });
  say('verified', verify);
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-kills-'));
  const kills = await killRounds(folder, options.kills, LIFE_MS).finally(() => rmSync(folder, { recursive: true }));
  say('killed', kills);
  const { receiptsPerSecond, ofVerifyLimit, ofOpensslLimit, projectorLagMsP99 } = rate;
  const { lostEvents, recountDifferences } = kills;
  return {
    ...{ bench: 'ledger', receiptsPerSecond, ofVerifyLimit, ofOpensslLimit, projectorLagMsP99 },
    ...{ finalityMsP99: final.finalityMsP99, lostEvents, recountDifferences },
    ...{ rate, final, append, verify, kills },
  };
}

function say(what: string, figures: object): void {
  process.stderr.write(`${what}: ${JSON.stringify(figures)}\n`);
}
