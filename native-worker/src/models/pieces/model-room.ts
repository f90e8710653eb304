/**
 * Room for one more model, where the owner set a limit: the downloaded models that nobody used for longest leave. Never those
 * that are lent, files of the owner's own, what nobody else has any more, or anything at all where no limit was set.
 */
import { MeshError } from '@llmesh/core/base/errors';
import type { ContentId } from '@llmesh/core/base/ids';
import type { Wanted } from '@llmesh/core/models/swarm-port';
import { megabytes } from '../../cli/output.ts';
import { listStore, names, removeStored, stemName, usedAt, type StoredModel } from '../model-store.ts';
import { storeFolder } from '../models.ts';
import { FilePieceStore, freeBytes as freeOnDisk } from './file-piece-store.ts';

export interface ModelRoomNeeds {
  dataFolder: string;
  /** For all downloaded models together. Null: none was set, and nothing is ever removed. */
  maxBytes: number | null;
  /** The names of those that are lent, as their owner gave them. Null: another program lends some, and may need any. */
  lent: readonly string[] | null;
  /** Whether others on the mesh have all of it. Rejects when nobody can say. */
  othersHave: (wanted: Wanted) => Promise<boolean>;
  note: (text: string) => void;
  /** On the disk of this folder. */
  freeBytes?: (folder: string) => Promise<number>;
}

interface Candidate {
  model: StoredModel;
  content: ContentId | null;
  usedAtMs: number;
}

export class ModelRoom {
  readonly #needs: ModelRoomNeeds;
  readonly #folder: string;
  readonly #store: FilePieceStore;
  /** Those who need room wait for each other, or both would count the same as free. */
  #making: Promise<void> = Promise.resolve();

  constructor(needs: ModelRoomNeeds) {
    this.#needs = needs;
    this.#folder = storeFolder(needs.dataFolder);
    this.#store = new FilePieceStore(this.#folder);
  }

  /**
   * Resolves when there is room for so many more bytes, or when it is the disk's to say no. `of`: what of the model they are for is
   * here already, and stays. Rejects with storage_full, and then nothing was removed.
   */
  make(missingBytes: number, of: { content: ContentId | null; stem: string | null }): Promise<void> {
    const made = this.#making.then(() => this.#make(missingBytes, of));
    this.#making = made.catch(() => {});
    return made;
  }

  async #make(missingBytes: number, of: { content: ContentId | null; stem: string | null }): Promise<void> {
    const { maxBytes, freeBytes = freeOnDisk } = this.#needs;
    if (maxBytes === null || missingBytes <= 0) return;
    const models = (await listStore(this.#folder)).filter(({ stem }) => stem !== of.stem);
    const used = await this.#usedBytes(models, of.content);
    const overBytes = Math.max(used + missingBytes - maxBytes, missingBytes - (await freeBytes(this.#folder)));
    if (overBytes <= 0) return;
    const chosen: Candidate[] = [];
    let freed = 0;
    for (const candidate of await this.#candidates(models)) {
      if (freed >= overBytes) break;
      if (candidate.content === of.content && of.content !== null) continue;
      if (!(await this.#isElsewhere(candidate))) continue;
      chosen.push(candidate);
      freed += candidate.model.loadedBytes;
    }
    if (freed < overBytes) throw this.#noRoom(missingBytes, maxBytes);
    for (const candidate of chosen) await this.#remove(candidate);
  }

  /** What downloads take now, whole or begun. */
  async #usedBytes(models: readonly StoredModel[], but: ContentId | null): Promise<number> {
    const begun = (await this.#store.list()).filter(({ content, whole }) => !whole && content !== but);
    const bytes = [...models, ...begun].map(({ loadedBytes }) => loadedBytes);
    return bytes.reduce((sum, one) => sum + one, 0);
  }

  /** In the order in which they leave. */
  async #candidates(models: readonly StoredModel[]): Promise<Candidate[]> {
    const { lent } = this.#needs;
    if (lent === null) return [];
    // What has no record was put there by its owner.
    const ours = models.filter(
      ({ record, state }) => state === 'complete' && record !== null && !lent.some((name) => names(record, name)),
    );
    const all = ours.map(async (model) => {
      const content = await this.#store.containing(model.file);
      const read = content === null ? 0 : await this.#store.usedAt(content);
      return { model, content, usedAtMs: Math.max(read, await usedAt(this.#folder, model)) };
    });
    return (await Promise.all(all)).toSorted((a, b) => a.usedAtMs - b.usedAtMs);
  }

  /** False also where nobody can say. */
  async #isElsewhere({ model, content }: Candidate): Promise<boolean> {
    const [only, ...others] = model.record?.files ?? [];
    const sha256 = others.length > 0 ? null : (only?.sha256 ?? null);
    if (content === null && sha256 === null) return false;
    try {
      return await this.#needs.othersHave(content === null ? { content, sha256 } : { content, sha256: null });
    } catch {
      return false;
    }
  }

  async #remove({ model, content, usedAtMs }: Candidate): Promise<void> {
    const { note } = this.#needs;
    const name = stemName(model.stem);
    const last = new Date(usedAtMs).toISOString().slice(0, 10);
    note(`Removing ${name} (${megabytes(model.loadedBytes)}, last used ${last}) to make room within --models-max.`);
    await removeStored(this.#folder, model);
    if (content !== null) await this.#store.remove(content);
    note(`Removed ${name}: ${megabytes(model.loadedBytes)} are free again. Others on the mesh still have it.`);
  }

  #noRoom(missingBytes: number, maxBytes: number): MeshError {
    const why =
      this.#needs.lent === null
        ? 'A worker is running and may need what is here. Stop it first, or remove models with "llmesh models rm".'
        : 'What is here is lent, unfinished, your own, or nobody else on the mesh has it. Remove models with "llmesh models rm", or give more room.';
    return new MeshError(
      'storage_full',
      `The model needs ${megabytes(missingBytes)} more, and --models-max leaves ${megabytes(maxBytes)} for all downloads. ${why}`,
    );
  }
}
