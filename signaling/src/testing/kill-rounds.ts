/**
 * Kills a busy ledger again and again, and recounts what it has left on the disk from the signed bytes alone: is everything
 * there that was acknowledged, does every balance follow from the events, does the log continue whatever was signed, by itself and
 * by a witness that lives on?
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { realClock } from '@llmesh/core/base/clock';
import { toBase32 } from '@llmesh/core/base/base32';
import type { PeerId } from '@llmesh/core/base/ids';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { readEvent } from '@llmesh/core/ledger/event';
import { apply, begin } from '@llmesh/core/ledger/projection';
import { MemoryState } from '@llmesh/core/ledger/state';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { readEntries } from '@llmesh/log/tree/entries';
import { RightEdge } from '@llmesh/log/tree/right-edge';
import { TILE_WIDTH, tilePath } from '@llmesh/log/tree/tile';
import { programArgs, programEnv } from '../../../scripts/programs.mjs';
import { Ledger } from '../ledger/ledger.ts';
import { LedgerTable } from '../ledger/ledger-table.ts';
import { logFiles, logSigner, pastFiles } from '../log/open-log.ts';
import { readTile } from '../log/tile-store.ts';
import { openControlKey } from '../receipts/control-key.ts';
import { DeliveryTable } from '../receipts/delivery-table.ts';
import { MeshDatabase } from '../store/mesh-database.ts';
import { TestWitness } from './http-witness.ts';

const PROGRAM = 'signaling/src/testing/ledger-load.ts';
const EPOCH_MS = 3_600_000;
const LEAVES_AT_ONCE = 1_000;
/** Sixteen bytes in base32. */
const NONCE_CHARS = 26;

/** What the killed process had said. */
interface Said {
  /** By index: the SHA-256 of the leaf. */
  readonly events: Map<number, string>;
  readonly filed: Set<string>;
  /** By size: the root. */
  readonly signed: Map<number, string>;
  /** What the witness had signed when it was killed. */
  readonly witnessed: Map<number, string>;
}

export interface KillFigures {
  readonly rounds: number;
  readonly events: number;
  readonly acknowledged: number;
  readonly checkpoints: number;
  /** Of those, the newest of each round that a witness had signed, too. */
  readonly witnessed: number;
  readonly lostEvents: number;
  readonly recountDifferences: number;
  readonly brokenCheckpoints: number;
}

/** `lifeMs`: how long the process lives at most, after it is ready or has signed; it is killed at a random moment. */
export async function killRounds(folder: string, rounds: number, lifeMs: number): Promise<KillFigures> {
  const said: Said = { events: new Map(), filed: new Set(), signed: new Map(), witnessed: new Map() };
  const key = await openControlKey(folder);
  const witness = await TestWitness.open('w');
  witness.knows(logSigner(key).key);
  writeFileSync(join(folder, 'witnesses.policy'), `${witness.line}\nquorum w\n`);
  let counted = new Counted(key.peerId);
  let found = NOTHING_FOUND;
  for (let round = 0; round < rounds; round++) {
    await liveAndDie(folder, round, Math.random() * lifeMs, said);
    // The last time from the very first event.
    if (round === rounds - 1) counted = new Counted(key.peerId);
    for (const { size, root } of witness.seen.values()) said.witnessed.set(size, hex(root));
    found = await recount(folder, counted, said, () => Date.now() + round * EPOCH_MS);
    if (found.lost + found.differences + found.broken + witness.forks > 0) break;
  }
  await witness.close();
  return {
    ...{ rounds, events: counted.edge.size, acknowledged: said.events.size + said.filed.size },
    ...{ checkpoints: said.signed.size, witnessed: said.witnessed.size, lostEvents: found.lost },
    ...{ recountDifferences: found.differences, brokenCheckpoints: found.broken + witness.forks },
  };
}

/** The events as far as they are counted. */
class Counted {
  readonly issuer: PeerId;
  readonly state = new MemoryState();
  readonly edge = new RightEdge(NODE_HASHER);
  /** The hash of each leaf, and the root of each size. */
  readonly leaves: string[] = [];
  readonly roots: string[] = [];

  constructor(issuer: PeerId) {
    this.issuer = issuer;
    begin(this.state, issuer);
    this.roots.push(hex(this.edge.root()));
  }

  add(leaf: Uint8Array): void {
    const event = readEvent(leaf);
    if (event === null) throw new Error(`The event ${this.edge.size} cannot be read.`);
    apply(this.state, event, this.edge.size, nodeVerify);
    this.edge.push(NODE_HASHER.leaf(leaf));
    this.leaves.push(createHash('sha256').update(leaf).digest('hex'));
    this.roots.push(hex(this.edge.root()));
  }
}

const NOTHING_FOUND = { lost: 0, differences: 0, broken: 0 };

async function liveAndDie(folder: string, round: number, afterMs: number, said: Said): Promise<void> {
  const args = [...programArgs(PROGRAM), folder, String(round)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: programEnv() });
  const lines = createInterface(child.stdout);
  const failures: string[] = [];
  // Half of them once there is a new checkpoint, half of them whenever.
  const from = round % 2 === 0 ? 'signed' : 'ready';
  lines.on('line', (line) => {
    const [what, name = '', value = ''] = line.split(' ');
    if (what === from) setTimeout(() => child.kill('SIGKILL'), afterMs);
    if (what === 'ready' || what === 'trouble') return;
    if (what === 'event') said.events.set(Number(name), value);
    else if (what === 'filed') said.filed.add(name);
    else if (what === 'signed') said.signed.set(Number(name), value);
    else failures.push(line);
  });
  const [[code]] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  if (failures.length > 0 || code !== null) throw new Error(`The ledger ended by itself: ${failures[0] ?? code}`);
}

async function recount(folder: string, counted: Counted, said: Said, now: () => number): Promise<typeof NOTHING_FOUND> {
  const { issuer, state, edge, leaves, roots } = counted;
  const database = new MeshDatabase(folder);
  const deliveries = new DeliveryTable(database);
  const store = new LedgerTable(database);
  const failed = (error: unknown) => {
    throw error;
  };
  const past = pastFiles(folder);
  const ledger = await Ledger.open({
    mode: 'priority',
    issuer,
    store,
    past,
    deliveries,
    clock: realClock,
    now,
    failed,
  });
  // It posts what was filed and not posted when it was killed.
  while ((await deliveries.changes(ledger.head.posted, 1, issuer)).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  await ledger.close();
  while (edge.size < ledger.size) {
    const to = Math.min(ledger.size, edge.size + LEAVES_AT_ONCE);
    for (const leaf of await leavesOf(folder, store, edge.size, to)) counted.add(leaf);
  }
  const kept = await store.readAll('');
  await deliveries.close();

  const nonces = new Set([...kept.keys()].filter((key) => key.startsWith('n/')).map((key) => key.slice(-NONCE_CHARS)));
  const keys = new Set([...kept.keys(), ...state.keys('')]);
  const count = <T>(all: Iterable<T>, wrong: (one: T) => boolean) => [...all].filter(wrong).length;
  return {
    lost:
      count(said.events, ([index, hash]) => leaves[index] !== hash) +
      count(said.filed, (nonce) => !nonces.has(toBase32(Buffer.from(nonce, 'hex')))),
    differences: count(keys, (key) => JSON.stringify(kept.get(key)) !== JSON.stringify(state.get(key))),
    broken: count([...said.signed, ...said.witnessed], ([size, root]) => roots[size] !== root),
  };
}

/** The first ones are in the tiles alone. */
async function leavesOf(folder: string, store: LedgerTable, from: number, to: number): Promise<Uint8Array[]> {
  const { leaf } = await store.oldest();
  if (from >= leaf) return store.leaves(from, to);
  const index = Math.floor(from / TILE_WIDTH);
  const path = tilePath({ level: 'entries', index, width: TILE_WIDTH });
  const leaves = readEntries((await readTile(logFiles(folder), path)) ?? new Uint8Array(), TILE_WIDTH);
  if (leaves === null) throw new Error(`The log lacks ${path}.`);
  return leaves.slice(from - index * TILE_WIDTH, to - index * TILE_WIDTH);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
