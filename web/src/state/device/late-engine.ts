/** An engine whose own code is fetched when it is first needed: most visits ask volunteers, and need none. */
import { untilAborted } from '@llmesh/core/base/abort';
import { asMeshError, MeshError } from '@llmesh/core/base/errors';
import type { Engine, Finish, GenerateRequest, LoadedModel, LoadProgress, Piece } from '@llmesh/core/engine/engine';
import { unable } from '@llmesh/core/policy/abilities';
import type { CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Scores } from '@llmesh/core/proof/score';

type Real = Engine<CatalogueModel>;

export class LateEngine implements Engine<CatalogueModel> {
  onLost: Real['onLost'] = null;
  onReload: NonNullable<Real['onReload']> | null = null;
  readonly #open: () => Promise<Real>;
  #real: Promise<Real> | null = null;
  #closed = false;

  /** `open`: fetches the code, and makes the engine. */
  constructor(open: () => Promise<Real>) {
    this.#open = open;
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    return await (await this.#get(signal)).probe(signal);
  }

  async load(
    model: CatalogueModel,
    onProgress: (progress: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    return await (await this.#get(signal)).load(model, onProgress, signal);
  }

  async *generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<Piece, Finish, undefined> {
    return yield* (await this.#get(signal)).generate(request, signal);
  }

  async score(request: GenerateRequest, tokenIds: readonly number[], signal: AbortSignal): Promise<Scores> {
    const real = await this.#get(signal);
    if (real.score === undefined) throw unable({ needs: ['audit'] });
    return await real.score(request, tokenIds, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    // Whoever waited for it has heard that it did not come.
    const real = await this.#real?.catch(() => null);
    await real?.close();
  }

  async #get(signal: AbortSignal): Promise<Real> {
    if (this.#closed) throw new MeshError('engine_failed', 'The engine was closed. Reload the page.');
    this.#real ??= this.#fetch();
    const real = await untilAborted(this.#real, signal);
    if (this.#closed) throw new MeshError('engine_failed', 'The engine was closed. Reload the page.');
    return real;
  }

  async #fetch(): Promise<Real> {
    try {
      const real = await this.#open();
      real.onLost = (error) => this.onLost?.(error);
      real.onReload = (ended) => this.onReload?.(ended);
      return real;
    } catch (error) {
      this.#real = null;
      throw asMeshError(error, 'page_incomplete', 'A part of this page could not be loaded. Reload the page.');
    }
  }
}
