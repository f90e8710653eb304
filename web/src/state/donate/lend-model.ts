/** Lends one model: loads, tries and offers it, withdraws it while that is held, until it fails or is stopped. */
import { onAbort } from '@llmesh/core/base/abort';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import { MAX_WAKING_MS, type ModelAdvert } from '@llmesh/core/wire/model-advert';
import { asMeshError, cancelled, type MeshError } from '@llmesh/core/base/errors';
import type { ProvideOptions, Providing } from '@llmesh/core/mesh';
import type { AnswerGiven, WorkerStatus } from '@llmesh/core/provide/worker-status';
import type { AuditChoice } from './audit-choice.svelte.ts';
import type { EngineHolder, EngineLease } from '../device/engine-holder.svelte.ts';
import type { SpeedLimit } from './speed-limit.svelte.ts';
import type { ReadyProgress } from '../device/model-trial.ts';
import type { LendingHolds } from './lending-holds.ts';

export interface LendModelNeeds {
  holder: EngineHolder;
  holds: LendingHolds;
  provide: (options: ProvideOptions) => Promise<Providing>;
  /** The owner's limits for each answer, looked up when it begins. */
  limit: Pick<SpeedLimit, 'tokensPerSecond' | 'share'>;
  /** Whether it checks answers of others, where its engine can. */
  audits: Pick<AuditChoice, 'on' | 'turned'>;
  /** Hears of errors for the log. */
  failed: (error: unknown) => void;
  progress: (progress: ReadyProgress) => void;
  /** Called when the model is in memory and works. */
  ready: (lease: Pick<EngineLease, 'loaded' | 'tokensPerSecond'>) => void;
  /** The offer as it stands; null: it was taken back. */
  offers: (offer: Providing | null) => void;
  status: (status: WorkerStatus) => void;
  /** An answer ended, however it did. */
  answered: (given: AnswerGiven) => void;
  /** The engine had loaded its model again, and answers. */
  reloaded: () => void;
  paused: () => void;
}

export interface LentEnd {
  error: MeshError;
  /** Whether it had worked. */
  served: boolean;
}

/** Resolves with what ended it, once all of it has stopped. Never rejects. */
export async function lendModel(model: CatalogueModel, needs: LendModelNeeds, signal: AbortSignal): Promise<LentEnd> {
  const { holder, holds, failed } = needs;
  let lease: EngineLease | null = null;
  let served = false;
  try {
    lease = await holder.enter(model, needs.progress, signal);
    const advert = advertOf(model, lease);
    served = true;
    needs.ready(lease);
    for (;;) {
      if (!holds.held) await offered(lease, advert, needs, signal);
      if (signal.aborted) throw cancelled();
      needs.paused();
      await Promise.race([lease.lost, holds.turned(false), aborted(signal)]);
    }
  } catch (thrown) {
    return {
      error: asMeshError(thrown, 'engine_failed', 'Lending stopped: the model failed on this device. Try again.'),
      served,
    };
  } finally {
    await lease?.leave(0).catch(failed);
  }
}

function advertOf(model: CatalogueModel, { loaded, tokensPerSecond }: EngineLease): ModelAdvert {
  const { replayable = 'none' } = loaded;
  return {
    id: model.id,
    name: model.name,
    quant: model.quant,
    format: model.format,
    backend: loaded.backend,
    contextTokens: loaded.contextTokens,
    sha256: model.format === 'gguf' ? model.sha256 : null,
    tokensPerSecond,
    continues: loaded.continues,
    ...(replayable !== 'none' && { replayable }),
    abilities: [...(loaded.abilities ?? [])],
  };
}

/** Offers the model until that is held or `signal` aborts. Rejects when the engine died. */
async function offered(
  lease: EngineLease,
  advert: ModelAdvert,
  { provide, holds, offers, status, answered, reloaded, failed, limit, audits }: LendModelNeeds,
  signal: AbortSignal,
): Promise<void> {
  let hang: (error: MeshError) => void = () => {};
  const hung = new Promise<never>((_, reject) => {
    hang = (death) => {
      void lease.discard(death).catch(failed);
      reject(death);
    };
  });
  // The engine may die while the offer is withdrawn, when nobody listens any more.
  hung.catch(() => {});
  const withoutAudits = { ...advert, abilities: advert.abilities?.filter((ability) => ability !== 'audit') };
  const offer = () => (audits.on ? advert : withoutAudits);
  let present: ModelAdvert = offer();
  const model = {
    get advert() {
      return present;
    },
    engine: lease.engine,
    slots: lease.loaded.slots,
  };
  const providing = await provide({
    models: [model],
    onStatus: status,
    onAnswer: answered,
    onFailure: failed,
    onHang: (error) => hang(error),
    get maxTokensPerSecond() {
      return limit.tokensPerSecond;
    },
    get maxShare() {
      return limit.share;
    },
  });
  const describe = () => {
    present = offer();
    providing.describe();
  };
  audits.turned = describe;
  const stop = () => providing.stop().catch(failed);
  const release = holds.before(stop);
  const ignore = lease.onReload((ended) => {
    present = { ...offer(), wakesInMs: Math.min(Math.round(lease.wakesInMs), MAX_WAKING_MS) };
    providing.describe();
    void ended.then(() => {
      describe();
      reloaded();
    });
  });
  try {
    if (signal.aborted) return;
    status(providing.status);
    offers(providing);
    await Promise.race([lease.lost, hung, holds.turned(true), aborted(signal)]);
  } finally {
    audits.turned = null;
    offers(null);
    ignore();
    release();
    await stop();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => onAbort(signal, resolve));
}
