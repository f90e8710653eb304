/** What must hold for every run, whatever went wrong in it. Each fault is a sentence; there should be none. */
import type { PeerId } from '@llmesh/core/base/ids';
import type { Providing } from '@llmesh/core/mesh';
import type { World } from './world.ts';

/**
 * Jain's index of whole answers over requesters that ask alike. With ten questions each, which is when there is one, chance
 * alone leaves more than 0.9.
 */
export const LEAST_FAIRNESS = 0.75;

type AtRest = Pick<World, 'questions' | 'work'> & {
  providers: ReadonlyMap<unknown, { node: { peerId: PeerId; providing: Pick<Providing, 'status'> | null } }>;
  server: Pick<World['server'], 'find' | 'owed'>;
};

/** The faults when nobody asks any more and running answers have had time to end. */
export function faultsAtRest({ questions, providers, server, work }: AtRest): string[] {
  const faults = questions.flatMap(({ id, faults: own }) => own.map((fault) => `question ${id}: ${fault}`));
  for (const { id, outcome } of questions) if (outcome === 'running') faults.push(`question ${id} never ended`);
  faults.push(...new Set(work.faults));
  for (const { node } of providers.values()) {
    const status = node.providing?.status;
    const told = server.find(node.peerId);
    if (status === undefined) continue;
    const { slots, busySlots, queued } = status;
    if (busySlots + queued > 0) faults.push(`${node.peerId} still has ${busySlots} busy slots and ${queued} waiting`);
    if (told === null) faults.push(`the control plane has lost ${node.peerId}`);
    else if (told.slots !== slots || told.busySlots !== busySlots || told.queued !== queued) {
      const seen = `${told.busySlots} of ${told.slots} slots busy and ${told.queued} waiting`;
      faults.push(`${node.peerId} has ${busySlots} of ${slots} slots busy, the control plane counts ${seen}`);
    }
  }
  const { promised, waiting } = server.owed;
  if (promised + waiting > 0)
    faults.push(`the control plane keeps ${promised} slots and lets ${waiting} wait, for nobody`);
  return faults;
}

/** `fairness`: that of `Figures`, for a mesh whose requesters could all reach it. */
export function faultsOfFairness(fairness: number | null): string[] {
  if (fairness === null || fairness >= LEAST_FAIRNESS) return [];
  return [`requesters that ask alike are not served alike: Jain's index is ${fairness}, not ${LEAST_FAIRNESS} or more`];
}

/** The faults when everybody has gone: nothing may be waited for any more. */
export function faultsAtEnd({ clock }: Pick<World, 'clock'>, neverLeft: number): string[] {
  const faults: string[] = [];
  if (neverLeft > 0) faults.push(`${neverLeft} never got away`);
  if (clock.timers > 0) faults.push(`${clock.timers} timers run on though everybody has gone`);
  return faults;
}
