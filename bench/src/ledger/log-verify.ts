/**
 * How fast a stranger checks a whole log: the checkpoint's signatures, each tile up to the root, each leaf. From a folder on
 * this computer, so that no network is measured.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signWith } from '@llmesh/log/base/ed25519';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import { writeCheckpoint } from '@llmesh/log/note/checkpoint';
import { noteKey, writeKey, type KeyType, type NoteSigner } from '@llmesh/log/note/key';
import { signText, writeNote } from '@llmesh/log/note/note';
import { LogReader } from '@llmesh/log/read/log-reader';
import { TileAppender } from '@llmesh/log/tree/tile-appender';
import { readPolicy } from '@llmesh/log/witness/policy';
import { logLeaves } from './log-leaves.ts';

const ORIGIN = 'bench.example/log';
const PORTION = 16_384;
const WITNESSES = 5;
const QUORUM = 3;

export interface LogVerifyOptions {
  leaves: number;
  leafBytes: number;
}

export interface LogVerifyFigures {
  leaves: number;
  leafBytes: number;
  seconds: number;
  leavesPerSecond: number;
  /** For each second of processor time, which says the same on a busy computer. */
  leavesPerCpuSecond: number;
}

export async function logVerify({ leaves, leafBytes }: LogVerifyOptions): Promise<LogVerifyFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'llmesh-bench-log-'));
  try {
    const policy = await writeLog(folder, leaves, leafBytes);
    const files = new TileFolder(folder);
    const fetch = (path: string) => files.read(path);
    const reader = new LogReader({ policy, fetch, maxEntryBytes: leafBytes, hasher: NODE_HASHER });
    const { signal } = new AbortController();
    const [began, used] = [performance.now(), process.cpuUsage()];
    const { checkpoint, final } = await reader.checkpoint(signal);
    if (!final || checkpoint.size !== leaves) throw new Error('The checkpoint is not the one that was written.');
    const tree = await reader.tree(checkpoint, signal);
    let read = 0;
    for await (const run of tree.leaves(0, leaves)) read += run.leaves.length;
    const seconds = (performance.now() - began) / 1_000;
    const { user, system } = process.cpuUsage(used);
    if (read !== leaves) throw new Error(`${read} leaves of ${leaves} were read.`);
    return {
      ...{ leaves, leafBytes },
      seconds: Number(seconds.toFixed(2)),
      leavesPerSecond: Math.round(leaves / seconds),
      leavesPerCpuSecond: Math.round((leaves * 1_000_000) / (user + system)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function writeLog(folder: string, leaves: number, leafBytes: number) {
  const files = new TileFolder(folder);
  const appender = await TileAppender.open(0, (path) => files.read(path), NODE_HASHER);
  for (let from = 0; from < leaves; from += PORTION) {
    await files.write(appender.append(logLeaves(Math.min(PORTION, leaves - from), from, leafBytes)));
  }
  const log = signer(ORIGIN, 'note', 0);
  const witnesses = Array.from({ length: WITNESSES }, (_, i) => signer(`w${i}`, 'cosignature', i + 1));
  const text = writeCheckpoint({ origin: ORIGIN, size: leaves, root: appender.root(), extensions: [] });
  const nowS = Math.floor(Date.now() / 1_000);
  const signatures = await Promise.all([log, ...witnesses.slice(0, QUORUM)].map((each) => signText(text, each, nowS)));
  await files.writeCheckpoint(writeNote({ text, signatures }));
  const lines = [
    `log ${writeKey(log.key)}`,
    ...witnesses.map(({ key }) => `witness ${key.name} ${writeKey(key)}`),
    `group all-of-them ${QUORUM} ${witnesses.map(({ key }) => key.name).join(' ')}`,
    'quorum all-of-them',
  ];
  return readPolicy(new TextEncoder().encode(`${lines.join('\n')}\n`));
}

function signer(name: string, type: KeyType, seed: number): NoteSigner {
  const { publicKey, sign } = signWith(new Uint8Array(32).fill(seed + 1));
  return { key: noteKey(name, type, publicKey), sign };
}

// node --import tsx --conditions=@llmesh/source bench/src/ledger/log-verify.ts [leaves] [bytes]
if (import.meta.filename === process.argv[1]) {
  const [leaves = 1_000_000, leafBytes = 512] = process.argv.slice(2).map(Number);
  process.stdout.write(`${JSON.stringify(await logVerify({ leaves, leafBytes }))}\n`);
}
