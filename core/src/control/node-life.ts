/**
 * The life of a node: Initializing → Connecting → Connected → Active → Participating → Disconnected → Connecting, as the
 * whitepaper draws it (appendix B.2, "Node States"). Pure: from the facts it derives the state of the node. Validating
 * and Voting come with audits and votes.
 */
import type { ControlState } from './control-connection.ts';

export type LifeState =
  /** Getting ready, and not looking for the mesh yet. */
  | 'initializing'
  /** Looking for the mesh. */
  | 'connecting'
  /** In the mesh, with nothing on offer: it only asks, or its model is getting ready. */
  | 'connected'
  /** Others can ask it. */
  | 'active'
  /** It is answering others. */
  | 'participating'
  /** Out of the mesh: refused, left, or lost and not yet looking again. */
  | 'disconnected';

export interface LifeFacts {
  control: ControlState;
  /** False until the first welcome. */
  wasConnected: boolean;
  /** A model is in memory, tried, and offered. */
  ready: boolean;
  /** How many answers are being written. */
  busySlots: number;
}

export function lifeOf({ control, wasConnected, ready, busySlots }: LifeFacts): LifeState {
  switch (control) {
    case 'refused':
    case 'closed':
      return wasConnected || control === 'refused' ? 'disconnected' : 'initializing';
    case 'connecting':
      return wasConnected ? 'disconnected' : 'connecting';
    case 'open':
      if (!ready) return 'connected';
      return busySlots > 0 ? 'participating' : 'active';
    default:
      return control satisfies never;
  }
}
