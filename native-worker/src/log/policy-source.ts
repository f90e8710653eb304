/**
 * The policy that a mesh is verified by: a file that its owner has from somewhere else; or what the mesh itself says when it is
 * first asked, which is kept, so that it cannot say something else later.
 */
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';
import { LogError } from '@llmesh/log/base/log-error';
import { writeKey } from '@llmesh/log/note/key';
import { MAX_POLICY_BYTES, readPolicy, type Policy } from '@llmesh/log/witness/policy';
import { makeDataFolder } from '../files/data-folder.ts';
import { openGiven, readOwn } from '../files/own-file.ts';
import { createWhole, errno } from '../files/whole-file.ts';
import type { LogPlace } from './log-place.ts';

export interface FoundPolicy {
  readonly policy: Policy;
  /** For a person: where it is from. */
  readonly from: string;
  /** The mesh said so itself: it can be believed to be the same log as before, and no more. */
  readonly own: boolean;
}

/** Rejects with log_broken for a policy that cannot be used, log_forked when the mesh has changed its own. */
export async function givenPolicy(file: string): Promise<FoundPolicy> {
  try {
    const handle = await openGiven(file);
    try {
      const bytes = Buffer.alloc(MAX_POLICY_BYTES + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
      return { policy: read(bytes.subarray(0, bytesRead), file), from: file, own: false };
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof MeshError) throw thrown;
    throw new MeshError('log_broken', `The policy ${file} cannot be read (${errno(thrown) ?? String(thrown)}).`);
  }
}

/**
 * `folder`: where it is kept, by the name of the mesh. `needs`: `log`: other witnesses than before are nobody's business here,
 * as for a witness.
 */
export async function toldPolicy(
  { fetch, name, mesh }: LogPlace,
  folder: string,
  signal: AbortSignal,
  needs: 'all' | 'log' = 'all',
): Promise<FoundPolicy> {
  if (mesh === null) {
    throw new MeshError(
      'log_broken',
      'A folder does not say whom to believe: give a policy with --policy. The mesh has it at /log/policy.',
    );
  }
  const told = await fetch('policy', MAX_POLICY_BYTES, signal);
  if (told === null) {
    throw new MeshError(
      'unsupported',
      `${name} has no log to verify: it has no credits, or its version of LLMesh has none.`,
    );
  }
  const policy = read(told, `what ${name} says`);
  const file = path.join(folder, `${fileName(mesh)}.policy`);
  await makeDataFolder(folder);
  const text = Buffer.from(told).toString('utf8');
  if (await createWhole(file, text)) return { policy, from: `what ${name} says, now kept in ${file}`, own: true };
  const before = await readOwn(file, MAX_POLICY_BYTES);
  const same = before === text || (needs === 'log' && logsIn(read(Buffer.from(before), file)) === logsIn(policy));
  if (same) return { policy, from: `what ${name} has always said (${file})`, own: true };
  throw new MeshError(
    'log_forked',
    `${name} names other keys or witnesses than when it was first verified. Ask its operator why. If the change is right, move ${file} away, and verify again.`,
  );
}

function read(bytes: Uint8Array, from: string): Policy {
  try {
    return readPolicy(bytes);
  } catch (thrown) {
    if (!(thrown instanceof LogError)) throw thrown;
    throw new MeshError('log_broken', `The policy (${from}) cannot be used. ${thrown.message}`, { cause: thrown });
  }
}

function logsIn({ logs }: Policy): string {
  return logs
    .map(({ key }) => writeKey(key))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join('\n');
}

/** A colon is no part of a name on Windows. */
function fileName({ host }: URL): string {
  return host.replaceAll(/[^a-zA-Z0-9.-]/g, '_');
}
