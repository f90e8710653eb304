/** Brings a model to this device and no further: an engine fetches what it reads, and is closed when it begins to read. */
import { onAbort } from '@llmesh/core/base/abort';
import { cancelled } from '@llmesh/core/base/errors';
import type { Engine, LoadProgress } from '@llmesh/core/engine/engine';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';

/** Rejects as `Loadable.load` does, but resolves once every file is here. */
export async function fetchModel(
  engine: Pick<Engine<CatalogueModel>, 'load' | 'close'>,
  model: CatalogueModel,
  onProgress: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) throw cancelled();
  const enough = new AbortController();
  const stop = onAbort(signal, () => enough.abort());
  let whole = false;
  const take = (progress: LoadProgress) => {
    if (progress.phase === 'download') return onProgress(progress);
    whole = true;
    enough.abort();
  };
  try {
    await engine.load(model, take, enough.signal);
  } catch (error) {
    if (!whole || signal.aborted) throw error;
  } finally {
    stop();
    await engine.close();
  }
}
