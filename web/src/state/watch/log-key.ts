/** The key of the mesh's log: its policy tells it, and the name that we know the mesh by proves it. */
import type { PeerId } from '@llmesh/core/base/ids';
import { peerIdOf } from '@llmesh/core/identity/identity';
import { namedBy } from '@llmesh/core/identity/note-name';
import type { NoteKey } from '@llmesh/log/note/key';
import type { FetchFile } from '@llmesh/log/read/verified-tree';
import { MAX_POLICY_BYTES, readPolicy } from '@llmesh/log/witness/policy';

/** Rejects when the mesh shows none, or one of somebody else. */
export async function logKeyOf(issuer: PeerId, fetch: FetchFile, signal: AbortSignal): Promise<NoteKey> {
  const policy = await fetch('policy', MAX_POLICY_BYTES, signal);
  if (policy === null) throw new Error('This mesh has no log.');
  const log = readPolicy(policy).logs.find(
    ({ key }) => namedBy(key.name)?.peer === issuer && peerIdOf(key.publicKey) === issuer,
  );
  if (log === undefined) throw new Error('The policy of this mesh names no log that is signed by its own key.');
  return log.key;
}
