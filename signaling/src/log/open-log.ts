/** The log of this control plane: under its own key, in its data folder. */
import path from 'node:path';
import { noteName } from '@llmesh/core/identity/note-name';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import { noteKey, type NoteSigner } from '@llmesh/log/note/key';
import type { ControlKey } from '../receipts/control-key.ts';
import { LogKeeper, type LogKeeperOptions } from './log-keeper.ts';
import type { LeafSource } from '../ledger/ledger-port.ts';
import { LogWriter } from './log-writer.ts';
import { MemoryTiles } from './memory-tiles.ts';
import { openMeshPolicy } from './mesh-policy.ts';
import type { TileStore } from './tile-store.ts';

/** In a data folder: the log, and beside it what its events of long ago did. */
const LOG = 'log';
const PAST = 'past';

type LogKey = Pick<ControlKey, 'peerId' | 'publicKey' | 'genesis' | 'signNote'>;

export interface OpenLogOptions extends Pick<LogKeeperOptions, 'source' | 'clock' | 'now' | 'final' | 'failed'> {
  readonly key: LogKey;
  /** Null: it is forgotten when we close. */
  readonly dataFolder: string | null;
  /** Null: no witness has to sign. */
  readonly policyFile: string | null;
}

/** Rejects as `openMeshPolicy` and `LogKeeper.open` do. */
export async function openLog({ key, dataFolder, policyFile, ...rest }: OpenLogOptions): Promise<LogKeeper> {
  const signer = logSigner(key);
  const policy = await openMeshPolicy(policyFile, signer.key);
  return LogKeeper.open({ ...rest, store: logFiles(dataFolder), signer, policy, hasher: NODE_HASHER });
}

/**
 * Rejects with log_broken where these events do not continue what the log has signed. For before anything is appended to them: what
 * was appended in its place would be a second past.
 */
export async function checkContinues(source: LeafSource, key: LogKey, dataFolder: string | null): Promise<void> {
  await LogWriter.open({
    source,
    store: logFiles(dataFolder),
    signer: logSigner(key),
    hasher: NODE_HASHER,
    now: Date.now,
  });
}

export function logSigner(key: LogKey): NoteSigner {
  return {
    key: noteKey(noteName(key.peerId, key.genesis?.network ?? null), 'note', key.publicKey),
    sign: (message) => key.signNote(message),
  };
}

/** `dataFolder` null: in memory. */
export function logFiles(dataFolder: string | null): TileStore {
  return filesIn(dataFolder, LOG);
}

/** For `ledger/past`: its files have the names of bundles of a log. */
export function pastFiles(dataFolder: string | null): TileStore {
  return filesIn(dataFolder, PAST);
}

function filesIn(dataFolder: string | null, name: string): TileStore {
  return dataFolder === null ? new MemoryTiles() : new TileFolder(path.join(dataFolder, name));
}
