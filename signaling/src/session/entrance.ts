/** How a peer comes in: the work that it has to do, and what it gets once it has proved its key. */
import type { Clock } from '@llmesh/core/base/clock';
import type { NetworkId, PeerId } from '@llmesh/core/base/ids';
import { faultOf, newChallenge } from '@llmesh/core/identity/key-proof';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import type { Challenge, FromServer, Proof, ToServer, Welcome } from '@llmesh/core/wire/control-protocol';
import { MeshError } from '@llmesh/core/base/errors';
import type { Newcomers } from '../ledger/newcomers.ts';
import type { ControlKey } from '../receipts/control-key.ts';
import type { LeaseOffice } from '../receipts/lease-office.ts';
import { HEARTBEAT_MS } from '../registry/registry.ts';
import type { SignalPasses } from '../signal/signal-passes.ts';
import type { Networks } from '../sockets/address.ts';
import { RENEW_MS, type IceServers } from './ice-servers.ts';
import type { JoinPrice } from './join-price.ts';
import type { Member, Sessions } from './sessions.ts';

const OLDER = 'This network needs a newer program than yours. Update LLMesh, or reload the page.';
const ELSEWHERE = 'Check the address, or ask whoever told it to you for the right one.';

type Hello = Extract<ToServer, { type: 'hello' }>;

export interface EntranceNeeds {
  clock: Clock;
  joins: JoinPrice;
  passes: SignalPasses;
  iceServers: IceServers;
  leases: LeaseOffice;
  sessions: Sessions;
  newcomers: Newcomers;
  /** The network that is entered here. */
  key: Pick<ControlKey, 'genesis' | 'verify'>;
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
    const challenge = newChallenge(await this.#needs.joins.bits(peer, from));
    const { network } = this;
    return network === null ? challenge : { ...challenge, network };
  }

  /** Null: this mesh has no genesis. */
  get network(): NetworkId | null {
    return this.#needs.key.genesis?.network ?? null;
  }

  /** Why this peer cannot be of our network; null: it can. */
  networkFault({ network: wanted }: Pick<Hello, 'network'>): MeshError | null {
    // What an older program signs counts in no network: it would be turned away later, with less to go by.
    if (wanted === undefined && this.network !== null) return new MeshError('version_mismatch', OLDER);
    if (wanted == null || wanted === this.network) return null;
    return new MeshError(
      'control_refused',
      `${this.network ?? 'A mesh without a genesis'} is served here, and not ${wanted}. ${ELSEWHERE}`,
    );
  }

  /** As `faultOf` of `key-proof.ts`, in this network. */
  faultOf(
    publicKey: Uint8Array,
    challenge: Challenge,
    proof: Proof,
    hosts: readonly string[],
  ): ReturnType<typeof faultOf> {
    return faultOf(publicKey, challenge, proof, hosts, this.#needs.key.verify);
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
