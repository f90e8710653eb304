/** What Chat and Donate say about a model that is being downloaded. */
import { plural } from '../../language/plural.ts';
import type { Barrier, CatalogueModel, Probe } from '@llmesh/core/policy/catalogue';
import type { Pace } from '../../state/device/download-pace.ts';
import { ggufWantsGpu, ggufWantsWebLlm } from '../../state/device/gguf-backend.ts';
import { bytes } from './format.ts';

/** "2.1 of 4.9 GB, 14.2 MB/s, 3 min 20 s left, from 3 volunteers and the hub." */
export function paceWords({ loadedBytes, totalBytes, bytesPerSecond, secondsLeft, from }: Pace): string {
  const parts = [totalBytes === null ? bytes(loadedBytes) : ofBytes(loadedBytes, totalBytes)];
  if (bytesPerSecond !== null) parts.push(rateWords(bytesPerSecond));
  if (secondsLeft !== null && secondsLeft >= 1) parts.push(`${duration(secondsLeft)} left`);
  if (from !== undefined && from.peers > 0)
    parts.push(
      from.web
        ? plural(from.peers, ['from # volunteer and the hub', 'from # volunteers and the hub'])
        : plural(from.peers, ['from # volunteer', 'from # volunteers']),
    );
  if (from !== undefined && from.hereBytes > 0) parts.push(`${bytes(from.hereBytes)} were here already`);
  return `${parts.join(', ')}.`;
}

/** "2.1 of 4.9 GB": both in the unit of the whole. */
export function ofBytes(part: number, whole: number): string {
  const unit = whole >= 1e9 ? 1e9 : whole >= 1e6 ? 1e6 : 1e3;
  const shown = unit === 1e3 ? Math.round(part / unit) : (part / unit).toFixed(1);
  return `${shown} of ${bytes(whole)}`;
}

/** 200 → "3 min 20 s" */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Whether a download is needed once. */
export function onceWords(keepsModels: boolean): string {
  return keepsModels
    ? 'Needed once: the model stays on this device.'
    : 'This browser keeps no models for this page, so each visit downloads its model again.';
}

/** What the browser withholds, and how to get it. */
export const BARRIER_WORDS: Record<Barrier, string> = {
  wasm: 'WebAssembly is off in this browser, and every model needs it. Chat works without it.',
  https:
    'Graphics cards need https. This page came over plain http, so models run on one thread of the processor. Open the mesh ' +
    'by an https address, or on the computer that runs it as http://localhost.',
  isolation:
    'This page came without the headers that give it more than one thread (COOP and COEP), so models on the processor are ' +
    'slow. Whoever runs the mesh can have their proxy pass them on.',
};

/** What a model would run on here, before it is loaded. */
export function wouldRunOn(model: CatalogueModel, probe: Probe): string {
  const onCard = model.format === 'mlc' || ggufWantsWebLlm(model, probe) || ggufWantsGpu(model, probe);
  if (!onCard) return 'processor';
  return probe.software ? 'emulated graphics card' : 'graphics card';
}

/** 14200000 → "14.2 MB/s" */
export function rateWords(bytesPerSecond: number): string {
  if (bytesPerSecond >= 1e9) return `${bytes(bytesPerSecond)}/s`;
  return bytesPerSecond < 1e5
    ? `${Math.round(bytesPerSecond / 1e3)} kB/s`
    : `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
}
