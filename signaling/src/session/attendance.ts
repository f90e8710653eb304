/** The effects of a peer's arrival, adverts, heartbeats and departure: on the registry, the queues and all others. */
import type { AuditOffice } from '../audit/audit-office.ts';
import type { PeerId } from '@llmesh/core/base/ids';
import type { ToServer } from '@llmesh/core/wire/control-protocol';
import type { MatchQueues } from '../match/match-queues.ts';
import type { Reliability } from '../match/reliability.ts';
import { PUBLISH_MS, type OfferBoard } from '../registry/offer-board.ts';
import { loadOf, type Agent, type RegisteredPeer } from '../registry/registered-peer.ts';
import { GONE_MS, type Registry } from '../registry/registry.ts';
import type { DepartureNews } from './departure-news.ts';
import type { Member, Sessions } from './sessions.ts';

export interface AttendanceNeeds {
  registry: Registry;
  reliability: Reliability;
  queues: MatchQueues;
  board: OfferBoard;
  sessions: Sessions;
  departures: DepartureNews;
  audits: Pick<AuditOffice, 'advertised'>;
}

export class Attendance {
  readonly #needs: AttendanceNeeds;

  constructor(needs: AttendanceNeeds) {
    this.#needs = needs;
  }

  /** It has proved its key. Ends an older session of it that is here. */
  join(peer: PeerId, agent: Agent, member: Member): RegisteredPeer {
    const { sessions, registry } = this.#needs;
    sessions.enter(peer, member);
    return registry.join(peer, agent, member.from.narrow);
  }

  /** It was welcomed. Returns what the mesh offers. */
  welcomed(): Buffer {
    const { board } = this.#needs;
    const offers = board.current();
    board.touch(PUBLISH_MS);
    return offers;
  }

  /** It sent something. */
  heard(peer: RegisteredPeer): void {
    const { registry, reliability } = this.#needs;
    if (registry.silentMs(peer) >= GONE_MS) reliability.failed(peer.peerId, peer.busySlots);
    registry.heard(peer);
  }

  advert(peer: RegisteredPeer, advert: Extract<ToServer, { type: 'advert' }>): void {
    const { registry, board, audits } = this.#needs;
    registry.advert(peer, advert);
    board.touch();
    audits.advertised(peer);
  }

  /** `first`: the first one of this session. */
  heartbeat(peer: RegisteredPeer, beat: Extract<ToServer, { type: 'heartbeat' }>, first: boolean): void {
    const { registry, reliability, queues, board } = this.#needs;
    if (first) reliability.returned(peer.peerId, beat.busySlots);
    const before = loadOf(peer);
    registry.heartbeat(peer, beat);
    queues.begun(peer, loadOf(peer) - before);
    if (peer.models.length > 0) board.touch();
  }

  /** Call once for each that has joined. */
  leave(peer: RegisteredPeer, member: Member, how: 'bye' | 'lost'): void {
    const { registry, reliability, queues, board, sessions, departures } = this.#needs;
    if (how === 'lost') reliability.vanished(peer.peerId, peer.busySlots);
    sessions.leave(peer.peerId, member);
    departures.left(peer.peerId);
    const offered = peer.models.length > 0;
    registry.leave(peer);
    queues.left(peer);
    board.touch(offered ? 0 : PUBLISH_MS);
  }
}
