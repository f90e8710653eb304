/**
 * Room in the store for one more model: what is kept for others leaves, and where the owner of this device set a limit the models that
 * nobody used for longest. Never those that are lent or were used lately, a visitor's own files, or what nobody else on the mesh has.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId, PieceStore, StoredSummary } from '@llmesh/core/models/piece-store';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { StorageQuota } from '../../state/device/model-shelf.ts';

/** An engine may still be reading it, here or in another tab. */
const LATELY_MS = 3_600_000;

export interface StoreRoomNeeds {
  store: Pick<PieceStore, 'list' | 'remove'>;
  /** For all models together; null: none was set, and nothing is ever removed. */
  limitBytes: () => number | null;
  lent: () => readonly ContentId[];
  /** Whether others have all of it. Rejects when nobody can say. */
  othersHave: (content: ContentId) => Promise<boolean>;
  /** Null: the browser does not say. */
  quota: () => Promise<StorageQuota | null>;
  /** Of what is kept for others, so many bytes leave; resolves with how many did. Never rejects. Left out: nothing is kept. */
  free?: (bytes: number) => Promise<number>;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Tells the person, before something is removed and after. */
  say: (words: string) => void;
}

export class StoreRoom {
  readonly #needs: StoreRoomNeeds;

  constructor(needs: StoreRoomNeeds) {
    this.#needs = needs;
  }

  /** Rejects with storage_full when the limit leaves no room; then nothing was removed. */
  async make(model: CatalogueModel): Promise<void> {
    const { store, limitBytes, quota, free = async () => 0 } = this.#needs;
    const limit = limitBytes();
    const all = await store.list();
    const others = all.filter((one) => !isOf(one, model));
    const here = all.filter((one) => isOf(one, model)).reduce((sum, { loadedBytes }) => sum + loadedBytes, 0);
    const missing = Math.max(0, model.sizeBytes - here);
    const used = others.reduce((sum, { loadedBytes }) => sum + loadedBytes, 0) + here;
    const room = await quota();
    const short = room === null ? 0 : missing - (room.quotaBytes - room.usedBytes);
    let over = Math.max(used + missing - (limit ?? Infinity), short);
    if (missing === 0 || over <= 0) return;
    // What is here only for others is never in its owner's way.
    over -= await free(over);
    if (limit === null || over <= 0) return;
    const chosen: StoredSummary[] = [];
    const left = new Set((await store.list()).map(({ content }) => content));
    for (const one of others.filter(({ content }) => left.has(content)).toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (over <= 0) break;
      if (!(await this.#mayLeave(one))) continue;
      chosen.push(one);
      over -= one.loadedBytes;
    }
    if (over > 0) throw noRoom(model, limit);
    for (const one of chosen) await this.#remove(one, model);
  }

  async #mayLeave({ content, whole, format, usedAt }: StoredSummary): Promise<boolean> {
    const { lent, othersHave, now } = this.#needs;
    if (!whole || format === 'adapter' || lent().includes(content) || now() - usedAt < LATELY_MS) return false;
    try {
      return await othersHave(content);
    } catch {
      // Nobody can say: then it may be the last.
      return false;
    }
  }

  async #remove({ content, loadedBytes, usedAt }: StoredSummary, { name }: CatalogueModel): Promise<void> {
    const { store, say } = this.#needs;
    const what = `a model of ${gigabytes(loadedBytes)}, last used on ${new Date(usedAt).toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })}`;
    say(`Removing ${what}, to make room for ${name} within your limit.`);
    await store.remove(content);
    say(`Removed ${what}, to make room for ${name}. Others on the mesh still have it.`);
  }
}

/** Whether it is the file, or the files, of this model. */
export function isOf({ content, sha256 }: Pick<StoredSummary, 'content' | 'sha256'>, model: CatalogueModel): boolean {
  return content === model.content || (model.format === 'gguf' && sha256 !== null && sha256 === model.sha256);
}

function noRoom({ name, sizeBytes }: CatalogueModel, limit: number): MeshError {
  return new MeshError(
    'storage_full',
    `${name} takes ${gigabytes(sizeBytes)}, and you keep models to ${gigabytes(limit)} on this device. What is here is in use, ` +
      'unfinished, or nobody else on the mesh has it. Delete a model on the Donate page, or choose a higher limit there.',
  );
}

function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
