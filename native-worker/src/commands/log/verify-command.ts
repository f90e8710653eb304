/** `llmesh verify`: recounts the credits of a mesh from its log, and says whether it told the truth. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { inCredits } from '@llmesh/core/ledger/credit';
import { proposalAt, standingOf } from '@llmesh/core/ledger/proposals';
import { balanceOf } from '@llmesh/core/ledger/readers';
import type { MemoryState } from '@llmesh/core/ledger/state';
import { LogError } from '@llmesh/log/base/log-error';
import { MAX_NOTE_BYTES, writeNote } from '@llmesh/log/note/note';
import { judge } from '@llmesh/log/witness/judge';
import type { Policy } from '@llmesh/log/witness/policy';
import { peerIdOf } from '@llmesh/core/identity/identity';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import type { Output } from '../../cli/output.ts';
import { dataFolder } from '../../files/data-folder.ts';
import { localPath } from '../../files/local-path.ts';
import { evidenceFolder, keepEvidence } from '../../log/evidence.ts';
import { logPlace, type LogPlace } from '../../log/log-place.ts';
import { givenPolicy, toldPolicy } from '../../log/policy-source.ts';
import { compareShown, peersIn, type ShownAccounts } from '../../log/shown-accounts.ts';
import { keepVerified, readVerified } from '../../log/verified-file.ts';
import { verifyLog, type Earlier, type Verified } from '../../log/verify-log.ts';

/** What the mesh shows is compared for so many accounts, drawn by chance. */
const COMPARED = 50;
/** The log, or what the mesh shows, is not what it should be. */
export const EXIT_LIES = 4;
const EXIT_FAILED = 1;
const PROGRESS_EVERY_MS = 500;

export interface VerifyCommandOptions {
  readonly policy?: string;
  /** A file with a checkpoint that somebody saw before. */
  readonly since?: string;
  /** The index of a proposal whose vote is shown. */
  readonly vote?: number;
  /** From the first event on, whatever was verified before. */
  readonly all?: boolean;
  readonly data?: string;
}

type Line = readonly [name: string, what: string];

/** Exit code of the process: 0 it told the truth, 1 it could not be verified, 4 it lies. */
export async function runVerify(
  place: string,
  options: VerifyCommandOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await verify(await logPlace(place), options, output, signal);
  } catch (thrown) {
    const lies = isLie(thrown);
    const error = asError(thrown);
    output.error(error);
    if (lies)
      output.note(
        'This mesh does not tell the truth about its credits. Ask its operator, and tell others: docs/verify.md says how.',
      );
    return lies ? EXIT_LIES : EXIT_FAILED;
  }
}

async function verify(
  place: LogPlace,
  options: VerifyCommandOptions,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const folder = path.join(dataFolder(options.data), 'verified');
  const { policy, from, own } =
    options.policy === undefined ? await toldPolicy(place, folder, signal) : await givenPolicy(options.policy);
  const earlier = options.all === true ? null : await earlierOf(policy, folder, options.since);
  let saidMs = 0;
  const verified = await verifyLog({
    ...{ policy, fetch: place.fetch, earlier, signal, now: Date.now },
    progress: (events, of) => {
      if (Date.now() - saidMs < PROGRESS_EVERY_MS) return;
      saidMs = Date.now();
      output.live(`Recounting: ${events.toLocaleString('en')} of ${of.toLocaleString('en')} events`);
    },
  }).catch(async (thrown: unknown) => {
    await keepFork(thrown, place, earlier, evidenceFolder(options.data), signal, output);
    throw thrown;
  });
  const { judged, issuer, state } = verified;
  const note = writeNote(judged.note);
  const timeS = Math.min(...judged.witnesses.map((witness) => witness.timeS));
  await keepVerified(folder, issuer, { note, timeS: Number.isFinite(timeS) ? timeS : null, state });
  const { size } = judged.checkpoint;
  const shown =
    place.mesh === null
      ? null
      : await compareShown(place.mesh, { state, size, peers: some(peersIn(state), COMPARED) }, signal);
  const lines = [
    ['Policy', from],
    ...checkpointLines(verified, policy, earlier),
    ...stateLines(state),
    ...shownLines(shown),
    ...(options.vote === undefined ? [] : voteLines(state, options.vote, verified.lastMs ?? 0)),
    verdictLine(shown, place.name, size),
  ] as const satisfies readonly Line[];
  output.print(lines.map(([name, what]) => `${name.padEnd(11)}${what}`).join('\n'), {
    ...{ log: judged.checkpoint.origin, size, root: Buffer.from(judged.checkpoint.root).toString('base64') },
    ...{ witnesses: judged.witnesses.map(({ witness }) => witness.name), recounted: verified.recounted, own },
    ...{ shown, truth: shown === null || shown.differences.length === 0 },
    words: lines.map((line) => line.join(' ').trim()),
  });
  if (own)
    output.note(
      'The mesh itself said which keys to believe. To be sure, get its policy from somebody you trust, and give it with --policy.',
    );
  return shown !== null && shown.differences.length > 0 ? EXIT_LIES : 0;
}

/** What was verified here before; with `--since` what somebody else saw. */
async function earlierOf(
  policy: Policy,
  folder: string,
  since: string | undefined,
): Promise<(Earlier & { note: string }) | null> {
  if (since !== undefined) {
    const bytes = await readFile(localPath(since));
    const { checkpoint, witnesses, note } = judge(policy, bytes.subarray(0, MAX_NOTE_BYTES), nodeVerify);
    const timeS = witnesses.length === 0 ? null : Math.max(...witnesses.map((witness) => witness.timeS));
    return { checkpoint, timeS, state: null, note: writeNote(note) };
  }
  for (const { key } of policy.logs) {
    const kept = await readVerified(folder, peerIdOf(key.publicKey));
    if (kept !== null) return kept;
  }
  return null;
}

/** Two checkpoints that do not go together are worth more than our word: they are signed. */
async function keepFork(
  thrown: unknown,
  place: LogPlace,
  earlier: { note: string } | null,
  folder: string,
  signal: AbortSignal,
  output: Output,
): Promise<void> {
  if (earlier === null || !isLie(thrown)) return;
  const shown = await place.fetch('checkpoint', MAX_NOTE_BYTES, signal);
  if (shown === null) return;
  const file = await keepEvidence(folder, {
    seen: earlier.note,
    shown: Buffer.from(shown).toString('utf8'),
    from: place.name,
  });
  output.note(`Both checkpoints are kept in ${file}.`);
}

function checkpointLines({ judged, recounted, lastMs }: Verified, policy: Policy, earlier: Earlier | null): Line[] {
  const { checkpoint, witnesses } = judged;
  const who = witnesses.map(({ witness }) => witness.name).join(', ');
  const signed = policy.quorum.needs === 0 ? 'signed by the log alone' : `signed by the log and by ${who}`;
  const last = lastMs === null ? '' : `, the last of ${new Date(lastMs).toISOString()}`;
  return [
    ['Checkpoint', `${checkpoint.origin} with ${checkpoint.size.toLocaleString('en')} events, ${signed}`],
    ...(earlier === null
      ? []
      : [
          [
            'Past',
            `continues the ${earlier.checkpoint.size.toLocaleString('en')} events that were seen before`,
          ] as const,
        ]),
    [
      'Events',
      `${recounted.toLocaleString('en')} recounted${last}: each is the one that the log signed, each signature is right, and each keeps to the rules`,
    ],
  ];
}

function stateLines(state: MemoryState): Line[] {
  const emitted = inCredits(-balanceOf(state, 'emission'));
  const [treasury, auditors] = [inCredits(balanceOf(state, 'treasury')), inCredits(balanceOf(state, 'auditors'))];
  return [
    [
      'Accounts',
      `${peersIn(state).length.toLocaleString('en')} peers; all accounts together are zero, and none is below it but emission, which has given out ${emitted} credits`,
    ],
    ['Common', `treasury ${treasury}, auditors ${auditors}`],
  ];
}

function shownLines(shown: ShownAccounts | null): Line[] {
  if (shown === null) return [];
  const { compared, skipped, differences } = shown;
  const busy = skipped === 0 ? '' : ` (${skipped} more changed while they were looked at)`;
  return [
    [
      'Shown',
      `${compared} accounts compared with what the mesh shows${busy}: ${differences.length === 0 ? 'they are the same' : 'THEY DIFFER'}`,
    ],
    ...differences.map(
      (one) =>
        [
          '',
          `${one.peer} ${one.account}: the mesh shows ${inCredits(one.shown)}, the log says ${inCredits(one.recounted)}`,
        ] as const,
    ),
  ];
}

/** As anyone counts it from the ballots in the log. */
function voteLines(state: MemoryState, index: number, nowMs: number): Line[] {
  const proposal = proposalAt(state, index);
  if (proposal === null) return [['Vote', `event ${index} is no proposal`]];
  const { name, from, to, tally, ballots, quorum } = proposal;
  return [
    ['Vote', `${name} from ${from} to ${to}: ${standingOf(proposal, nowMs)}, with ${ballots} ballots`],
    ['', `yes ${tally.yes}, no ${tally.no}, abstain ${tally.abstain}; ${quorum} have to vote`],
  ];
}

function verdictLine(shown: ShownAccounts | null, name: string, size: number): Line {
  if (shown !== null && shown.differences.length > 0)
    return ['Verdict', `${name} shows other balances than its own log.`];
  return [
    'Verdict',
    `${name} tells the truth about its credits, as far as its ${size.toLocaleString('en')} events go.`,
  ];
}

function isLie(thrown: unknown): boolean {
  if (thrown instanceof LogError) return ['unsigned', 'inconsistent', 'malformed', 'missing'].includes(thrown.code);
  return (
    thrown instanceof MeshError &&
    ['log_forked', 'order_refused', 'receipt_refused', 'credits_short'].includes(thrown.code)
  );
}

function asError(thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  if (thrown instanceof LogError)
    return new MeshError(thrown.code === 'not_final' ? 'log_broken' : 'log_forked', thrown.message, { cause: thrown });
  return new MeshError('engine_failed', `The log could not be verified: ${String(thrown)}`, { cause: thrown });
}

function some<T>(all: readonly T[], count: number): T[] {
  const left = [...all];
  return Array.from(
    { length: Math.min(count, all.length) },
    () => left.splice(Math.floor(Math.random() * left.length), 1)[0]!,
  );
}
