/**
 * The life of a node: Initializing → Connecting → Connected → Active → Participating → Disconnected → Connecting, as the
 * whitepaper draws it (appendix B.2, "Node States"), Validating while it checks what others answered, and Voting while its
 * ballot is on its way. Pure: from the facts it derives the state of the node.
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
  /** It answers nobody, and a proposal or a ballot of its owner is on its way into the ledger. */
  | 'voting'
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
  /** A proposal or a ballot is on its way. Left out: none. */
  voting?: boolean;
}

export function lifeOf(facts: LifeFacts): LifeState {
  const { control, wasConnected, ready, busySlots, auditing = false, voting = false } = facts;
  switch (control) {
    case 'refused':
    case 'closed':
      return wasConnected || control === 'refused' ? 'disconnected' : 'initializing';
    case 'connecting':
      return wasConnected ? 'disconnected' : 'connecting';
    case 'open':
      if (ready && busySlots > 0) return 'participating';
      // Whoever only asks may vote, too.
      if (voting) return 'voting';
      if (!ready) return 'connected';
      return auditing ? 'validating' : 'active';
    default:
      return control satisfies never;
  }
}
