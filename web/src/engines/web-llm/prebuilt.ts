/** The models of the store; and those of web-llm's own list that nobody pinned, which come into its caches and then into the store. */
import type { MlcModel } from '@llmesh/core/policy/catalogue';
import { readMirrorEntry } from '../common/mirror-manifest.ts';
import { fetchMlcFiles } from './mlc-files.ts';
import { recordFor } from './mlc-record.ts';
import type { MlcSource } from './mlc-source.ts';
import { keepMlc, storedMlc } from './stored-mlc.ts';

export const prebuilt: MlcSource<MlcModel> = async (model, settings, onProgress, signal) => {
  const stored = await storedMlc(model);
  if (stored !== null) return stored;
  const pins = await readMirrorEntry(settings.mirror, model.source, signal);
  const record = recordFor(model, settings, pins);
  const totalBytes = await fetchMlcFiles(record, pins, onProgress, signal);
  return { record, totalBytes, read: () => keepMlc(model, record, signal) };
};
