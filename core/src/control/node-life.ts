/**
 * The life of a node: Initializing → Connecting → Connected → Active → Participating → Disconnected → Connecting, as the
 * whitepaper draws it (appendix B.2, "Node States"), and Validating while it checks what others answered. Pure: from the
 * facts it derives the state of the node. Voting comes with votes.
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
  /** It answers nobody, and checks what another answered. */
  | 'validating'
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
  /** It checks an answer of another. Left out: no. */
  auditing?: boolean;
}

export function lifeOf({ control, wasConnected, ready, busySlots, auditing = false }: LifeFacts): LifeState {
  switch (control) {
    case 'refused':
    case 'closed':
      return wasConnected || control === 'refused' ? 'disconnected' : 'initializing';
    case 'connecting':
      return wasConnected ? 'disconnected' : 'connecting';
    case 'open':
      if (!ready) return 'connected';
      if (busySlots > 0) return 'participating';
      return auditing ? 'validating' : 'active';
    default:
      return control satisfies never;
  }
}
