/** Models that are kept for others: who is asked to keep what, whether they do, and what is noted for their pay. */
import type { Clock } from '@llmesh/core/base/clock';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import type { Catalogue } from '@llmesh/core/policy/catalogue';
import type { Keeps } from '@llmesh/core/wire/candidate';
import { apartOf, type HoldingPeer, type Holdings } from '../models/holdings.ts';
import type { ControlKey } from '../receipts/control-key.ts';
import type { Networks } from '../sockets/address.ts';
import type { KeptTable } from '../store/kept-table.ts';
import { ContentDemand } from './content-demand.ts';
import { Keepers } from './keepers.ts';
import { Replication, type KeepMessage } from './replication.ts';
import { StorageChecks, type ProveMessage, type StorageChecksNeeds } from './storage-checks.ts';

export interface KeepingOptions extends Pick<StorageChecksNeeds, 'platform' | 'isDoubted' | 'counted'> {
  clock: Clock;
  now: () => number;
  random: () => number;
  key: ControlKey;
  holdings: Holdings;
  catalogue: Catalogue;
  /** The votable floor for models of the catalogue. */
  pinnedCopies: () => number;
  copies: Pick<KeptTable, 'note'>;
  tell: (peer: PeerId, message: KeepMessage | ProveMessage) => void;
  failed: (error: unknown) => void;
}

/** What `/metrics` says of it. */
export interface KeepingFigures {
  readonly keepers: number;
  /** Copies that are wanted, and those that keepers were asked for. */
  readonly wanted: number;
  readonly kept: number;
}

export class Keeping {
  readonly #demand: ContentDemand;
  readonly #keepers: Keepers;
  readonly #replication: Replication;
  readonly #checks: StorageChecks;

  constructor(options: KeepingOptions) {
    const { clock, holdings, catalogue, pinnedCopies, copies, tell, failed, ...rest } = options;
    this.#demand = new ContentDemand(clock);
    this.#keepers = new Keepers(clock, holdings);
    const pinned = catalogue.models.flatMap(({ content, sizeBytes }) =>
      content === undefined ? [] : [{ content, sizeBytes }],
    );
    this.#replication = new Replication({
      ...{ clock, holdings, keepers: this.#keepers, demand: this.#demand, pinned, pinnedCopies, tell },
    });
    this.#checks = new StorageChecks({
      ...{ ...rest, clock, keepers: this.#keepers, tell, broken: failed },
      shown: ({ peer: keeper, network }, { content, sizeBytes, epoch }, report) => {
        this.#replication.learn(content, sizeBytes);
        copies.note(epoch, { keeper, content, network, sizeBytes, report }).catch(failed);
      },
      dropped: (keeper) => this.#replication.tell(keeper),
      failed: (keeper) => this.#expel(keeper),
    });
  }

  get figures(): KeepingFigures {
    let kept = 0;
    for (const { keeps } of this.#keepers.all) kept += keeps.size;
    let wanted = 0;
    for (const target of this.#replication.targets.values()) wanted += target;
    return { keepers: this.#keepers.size, wanted, kept };
  }

  /** What a peer said with its list of models. */
  told(holder: HoldingPeer, keeps: Keeps | undefined): void {
    if (!this.#keepers.told(holder, keeps)) return;
    const keeper = this.#keepers.get(holder.peer);
    if (keeper !== null) this.#replication.tell(keeper);
  }

  left(holder: HoldingPeer): void {
    this.#keepers.left(holder);
  }

  /** Somebody looks for this model. */
  sought(content: ContentId, from: Networks): void {
    this.#demand.asked(content, apartOf(from));
  }

  /** See `StorageChecks.report`. */
  report(by: PeerId, bytes: Uint8Array): void {
    this.#checks.report(by, bytes);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#replication.close();
    await this.#checks.close();
  }

  #expel(peer: PeerId): void {
    const keeper = this.#keepers.get(peer);
    this.#keepers.expel(peer);
    if (keeper === null) return;
    keeper.keeps.clear();
    this.#replication.tell(keeper);
  }
}
