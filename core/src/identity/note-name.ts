/**
 * What a key is called in signed notes (C2SP signed-note): the log of a control plane, and a witness. The name follows from
 * the key, so whoever knows a mesh's key knows its log, by whatever address it is reached.
 */
import { isPeerId, type PeerId } from '../base/ids.ts';

const PREFIX = 'llmesh/';

export function noteName(peer: PeerId): string {
  return `${PREFIX}${peer}`;
}

/** Whose name it is; null: it is not one of ours. */
export function namedBy(name: string): PeerId | null {
  const peer = name.slice(PREFIX.length);
  return name.startsWith(PREFIX) && isPeerId(peer) ? peer : null;
}
