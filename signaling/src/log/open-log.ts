/** The log of this control plane: under its own key, in its data folder. */
import path from 'node:path';
import { noteName } from '@llmesh/core/identity/note-name';
import type { Identity } from '@llmesh/core/identity/identity';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { TileFolder } from '@llmesh/log/node/tile-folder';
import { noteKey } from '@llmesh/log/note/key';
import { LogKeeper, type LogKeeperOptions } from './log-keeper.ts';
import { MemoryTiles } from './memory-tiles.ts';
import { openMeshPolicy } from './mesh-policy.ts';

const FOLDER = 'log';

export interface OpenLogOptions extends Pick<LogKeeperOptions, 'source' | 'clock' | 'now' | 'final' | 'failed'> {
  readonly key: Identity;
  /** Null: it is forgotten when we close. */
  readonly dataFolder: string | null;
  /** Null: no witness has to sign. */
  readonly policyFile: string | null;
}

/** Rejects as `openMeshPolicy` and `LogKeeper.open` do. */
export async function openLog({ key, dataFolder, policyFile, ...rest }: OpenLogOptions): Promise<LogKeeper> {
  const signer = {
    key: noteKey(noteName(key.peerId), 'note', key.publicKey),
    sign: (message: Uint8Array) => key.sign(message),
  };
  const policy = await openMeshPolicy(policyFile, signer.key);
  const store = dataFolder === null ? new MemoryTiles() : new TileFolder(path.join(dataFolder, FOLDER));
  return LogKeeper.open({ ...rest, store, signer, policy, hasher: NODE_HASHER });
}
