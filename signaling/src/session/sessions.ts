/**
 * The sessions of peers that have proved their key: those at this instance directly, the others through the cluster.
 * For one peer the newest session counts, wherever it is, and each older one is told to end.
 */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import type { Cluster } from '../cluster/cluster.ts';
import { PeerPost } from '../cluster/peer-post.ts';
import type { Notice } from '../cluster/peer-notice.ts';
import { RENEW_MS } from '../cluster/presence.ts';
import type { Networks } from '../sockets/address.ts';

/** One session, as others see it. */
export interface Member {
  readonly from: Networks;
  /** Sends what the mesh offers. */
  tell(offers: Buffer): void;
  /** A notice for it, from whichever instance. False: it has not been welcomed yet. */
  hear(notice: Exclude<Notice, { type: 'replaced' }>): boolean;
  /** This provider, which it was told about, is gone. */
  gone(provider: PeerId): void;
  /** Its own credits have changed. */
  credits(news: AccountNews): void;
  /** The same peer has a newer session. */
  replaced(): void;
}

interface Entry {
  readonly member: Member;
  /** Null until presence has been told. */
  session: number | null;
  /** The newest session elsewhere, as far as we heard. */
  newest: number;
}

export class Sessions {
  readonly post: PeerPost;
  readonly #clock: Clock;
  readonly #cluster: Cluster;
  readonly #here = new Map<PeerId, Entry>();
  /** Resolves when this instance can be found and reached. */
  readonly #opened: Promise<void>;
  #stopRenewal: () => void;

  constructor(clock: Clock, cluster: Cluster) {
    this.#clock = clock;
    this.#cluster = cluster;
    this.post = new PeerPost({ cluster, deliver: (peer, notice) => this.#deliver(peer, notice) });
    this.#opened = Promise.all([this.post.open(), cluster.presence.renew()]).then(() => {});
    // Those that join get the error.
    this.#opened.catch(() => {});
    this.#stopRenewal = clock.after(RENEW_MS, () => this.#renew());
  }

  all(): Member[] {
    return Array.from(this.#here.values(), ({ member }) => member);
  }

  /** The session at this instance; null: there is none. */
  find(peer: PeerId): Member | null {
    return this.#here.get(peer)?.member ?? null;
  }

  /** Is it at any instance? Rejects when that is unknown. */
  async isAnywhere(peer: PeerId): Promise<boolean> {
    return this.#here.has(peer) || (await this.post.isAnywhere(peer));
  }

  /** This is now the newest session of this peer at this instance. Others find it when `announce` has resolved. */
  enter(peer: PeerId, member: Member): void {
    this.#here.get(peer)?.member.replaced();
    this.#here.set(peer, { member, session: null, newest: -1 });
  }

  /** False: a newer one has come meanwhile, or it has left. Rejects when the others cannot be told. */
  async announce(peer: PeerId, member: Member): Promise<boolean> {
    await this.#opened;
    const { presence, instance } = this.#cluster;
    const { session, before } = await presence.arrive(peer);
    if (before !== null && before.instance !== instance)
      this.post.tellAt(before.instance, peer, { type: 'replaced', session });
    const entry = this.#here.get(peer);
    if (entry?.member !== member) {
      this.#depart(peer, session);
      return false;
    }
    entry.session = session;
    if (entry.newest <= session) return true;
    member.replaced();
    return false;
  }

  /** This session has ended. Idempotent. */
  leave(peer: PeerId, member: Member): void {
    const entry = this.#here.get(peer);
    if (entry?.member !== member) return;
    this.#here.delete(peer);
    if (entry.session !== null) this.#depart(peer, entry.session);
  }

  async close(): Promise<void> {
    this.#stopRenewal();
    await this.#opened.catch(() => {});
    await this.post.close();
  }

  #deliver(peer: PeerId, notice: Notice): boolean {
    const entry = this.#here.get(peer);
    if (entry === undefined) return false;
    if (notice.type !== 'replaced') return entry.member.hear(notice);
    entry.newest = Math.max(entry.newest, notice.session);
    if (entry.session !== null && entry.session < entry.newest) entry.member.replaced();
    return true;
  }

  /** If that fails its entry stays, but leads nowhere: this instance says that the peer is not here. */
  #depart(peer: PeerId, session: number): void {
    this.#cluster.presence.depart(peer, session).catch(() => {});
  }

  #renew(): void {
    this.#stopRenewal = this.#clock.after(RENEW_MS, () => this.#renew());
    // A lease survives some failures.
    this.#cluster.presence.renew().catch(() => {});
  }
}
