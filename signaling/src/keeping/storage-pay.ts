/**
 * Pays those who kept models, hour by hour: each copy by its size, copies of one model in one network as one, and each network no
 * more than one volunteer who keeps much.
 */
import { asMeshError } from '@llmesh/core/base/errors';
import type { ContentId, PeerId } from '@llmesh/core/base/ids';
import { earnedIn } from '@llmesh/core/ledger/earned';
import { EPOCH_MS } from '@llmesh/core/ledger/emission';
import { MAX_STORAGE_SHARES } from '@llmesh/core/ledger/event';
import { earnedKey, keeperKey } from '@llmesh/core/ledger/keys';
import { SERVED_WITHIN_MS } from '@llmesh/core/ledger/rules/given';
import { shareOfBytes } from '@llmesh/core/ledger/rules/storage';
import type { KeptCopy, KeptTable } from '../store/kept-table.ts';
import type { LedgerPort } from '../ledger/ledger-port.ts';
import type { LedgerStore } from '../ledger/ledger-store.ts';

const WHOLE = 1_000;

export interface StoragePayNeeds {
  ledger: Pick<LedgerPort, 'append'>;
  store: Pick<LedgerStore, 'read'>;
  copies: Pick<KeptTable, 'of' | 'forget'>;
  failed: (error: unknown) => void;
}

export class StoragePay {
  readonly #needs: StoragePayNeeds;

  constructor(needs: StoragePayNeeds) {
    this.#needs = needs;
  }

  /** An hour that is over. Rejects with busy when nothing can be written now: what is paid by then is not paid again later. */
  async pay(epoch: number): Promise<void> {
    const { ledger, store, copies, failed } = this.#needs;
    const all = copies.of(epoch);
    if (all.length === 0) return;
    const keepers = [...new Set(all.map(({ keeper }) => keeper))];
    const state = await store.read(keepers.flatMap((keeper) => [earnedKey(keeper), keeperKey(keeper)]));
    const served = (keeper: PeerId) =>
      earnedIn(state.get(earnedKey(keeper))).servedMs + SERVED_WITHIN_MS >= (epoch + 1) * EPOCH_MS;
    const paid = (keeper: PeerId): readonly ContentId[] | null => {
      const [last, , contents] = (state.get(keeperKey(keeper)) ?? [0, 0, []]) as [number, number, ContentId[]];
      return last > epoch ? null : last === epoch ? contents : [];
    };
    // What was paid before a restart has its part in the shares of its network, too.
    const shares = storageShares(all.filter(({ keeper }) => served(keeper)));
    const unpaid = shares.filter(({ copy }) => paid(copy.keeper)?.includes(copy.content) === false);
    for (let at = 0; at < unpaid.length; at += MAX_STORAGE_SHARES) {
      const part = unpaid
        .slice(at, at + MAX_STORAGE_SHARES)
        .map(({ copy, share }) => [copy.keeper, share, copy.report] as const);
      try {
        await ledger.append({ kind: 'storage', epoch, shares: part });
      } catch (thrown) {
        const error = asMeshError(thrown, 'busy', `An hour of ${part.length} copies is not paid yet.`);
        if (error.code === 'busy') throw error;
        failed(error);
      }
    }
    await copies.forget(epoch);
  }
}

/** In thousandths of the most that anybody is paid; copies that come to nothing are left out. */
export function storageShares<C extends Pick<KeptCopy, 'keeper' | 'content' | 'network' | 'sizeBytes'>>(
  copies: readonly C[],
): { copy: C; share: number }[] {
  const alike = new Map<string, number>();
  const nameOf = ({ network, content }: C) => `${network} ${content}`;
  for (const copy of copies) alike.set(nameOf(copy), (alike.get(nameOf(copy)) ?? 0) + 1);
  const parts = copies.map((copy) => ({ copy, part: shareOfBytes(copy.sizeBytes) / alike.get(nameOf(copy))! }));
  const sums = new Map<string, number>();
  for (const { copy, part } of parts) sums.set(copy.network, (sums.get(copy.network) ?? 0) + part);
  return parts.flatMap(({ copy, part }) => {
    const share = Math.floor(part * Math.min(1, WHOLE / sums.get(copy.network)!));
    return share === 0 ? [] : [{ copy, share }];
  });
}
