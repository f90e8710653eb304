/** How a peer comes in: the work that it has to do, and what it gets once it has proved its key. */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { newChallenge } from '@llmesh/core/identity/key-proof';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import type { Challenge, FromServer, Welcome } from '@llmesh/core/wire/control-protocol';
import type { Newcomers } from '../ledger/newcomers.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import { HEARTBEAT_MS } from '../registry/registry.ts';
import type { SignalPasses } from '../signal/signal-passes.ts';
import type { Networks } from '../sockets/address.ts';
import { RENEW_MS, type IceServers } from './ice-servers.ts';
import type { JoinPrice } from './join-price.ts';
import type { Member, Sessions } from './sessions.ts';

export interface EntranceNeeds {
  clock: Clock;
  joins: JoinPrice;
  passes: SignalPasses;
  iceServers: IceServers;
  leases: LeaseOffice;
  sessions: Sessions;
  newcomers: Newcomers;
}

/** A session from its welcome to its end. */
export interface Stay {
  readonly welcome: Welcome;
  /** Idempotent. */
  end(): void;
}

export class Entrance {
  readonly #needs: EntranceNeeds;

  constructor(needs: EntranceNeeds) {
    this.#needs = needs;
  }

  /** The challenge for one more peer from there. Rejects with busy when its price is unknown. */
  async challenge(peer: PeerId, from: Networks): Promise<Challenge> {
    return newChallenge(await this.#needs.joins.bits(peer, from));
  }

  /** A peer from there has said hello. Call the returned function once, when its connection is over. */
  came(from: Networks): () => void {
    return this.#needs.joins.came(from);
  }

  /**
   * It has proved its key, and `sessions` has it. Null: it has left meanwhile, or was replaced. Rejects when the other
   * instances cannot be told. `say`: sends it later messages.
   */
  async admit(peer: PeerId, member: Member, say: (message: FromServer) => void): Promise<Stay | null> {
    const { joins, passes, sessions, iceServers, leases, newcomers } = this.#needs;
    const [isNewest] = await Promise.all([sessions.announce(peer, member), joins.joined(peer, member.from)]);
    if (!isNewest) return null;
    const pass = await passes.issue(peer);
    if (sessions.find(peer) !== member) {
      pass.end();
      return null;
    }
    // It hears of its credits when it has them.
    void newcomers.joined(peer, member.from.wide);
    const stopRenewal = this.#renewIceServers(peer, say);
    return {
      welcome: {
        type: 'welcome',
        version: PROTOCOL_VERSION,
        heartbeatMs: HEARTBEAT_MS,
        iceServers: iceServers.of(peer),
        signalToken: pass.token,
        issuer: leases.issuer,
        now: leases.nowMs,
      },
      end: () => {
        stopRenewal();
        pass.end();
      },
    };
  }

  #renewIceServers(peer: PeerId, say: (message: FromServer) => void): () => void {
    const { clock, iceServers } = this.#needs;
    if (!iceServers.expire) return () => {};
    const renew = () => {
      say({ type: 'ice', iceServers: iceServers.of(peer) });
      stop = clock.after(RENEW_MS, renew);
    };
    let stop = clock.after(RENEW_MS, renew);
    return () => stop();
  }
}
