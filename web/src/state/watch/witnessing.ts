/** Has this browser witness the mesh's log: fetched when its person wants that. */
import type { ControlClient } from '@llmesh/core/control/control';
import { LogWitness, type LogWitnessTold } from '@llmesh/core/control/log-witness';
import type { Identity } from '@llmesh/core/identity/identity';
import { noteName } from '@llmesh/core/identity/note-name';
import { noteKey } from '@llmesh/log/note/key';
import type { FetchFile } from '@llmesh/log/read/verified-tree';
import { Witness, type Fork, type WitnessState } from '@llmesh/log/witness/witness';
import { logKeyOf } from './log-key.ts';

export interface WitnessingNeeds {
  control: ControlClient;
  identity: Identity;
  state: WitnessState;
  /** Below the log's address. */
  fetch: FetchFile;
  /** Milliseconds since 1970. */
  now: () => number;
  told: LogWitnessTold;
  /** The log has signed two pasts. */
  forked: (fork: Pick<Fork, 'origin' | 'seen' | 'shown'>) => void;
}

/** Until the returned function is called. Rejects while the mesh shows no log of its own. */
export async function beginWitnessing(needs: WitnessingNeeds, signal: AbortSignal): Promise<() => void> {
  const { control, identity, state, fetch, now, told, forked } = needs;
  const { issuer } = control;
  if (issuer === null) throw new Error('The mesh has not said who it is yet.');
  const log = await logKeyOf(issuer, fetch, signal);
  const key = noteKey(noteName(identity.peerId), 'cosignature', identity.publicKey);
  const witness = new Witness({
    signers: [{ key, sign: (message) => identity.sign(message) }],
    keysOf: (origin) => (origin === log.name ? [log] : []),
    state,
    nowS: () => Math.floor(now() / 1_000),
  });
  const cosigner = {
    size: async () => (await state.get(log.name))?.size ?? 0,
    add: async (request: string) => {
      const answer = await witness.addCheckpoint(new TextEncoder().encode(request));
      if (answer.fork !== null) forked(answer.fork);
      return answer;
    },
  };
  signal.throwIfAborted();
  const witnessing = new LogWitness(control, cosigner, told);
  return () => witnessing.close();
}
