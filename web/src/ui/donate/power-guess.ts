/** What lending takes of the power of this computer: a guess, as no page can measure it. */
import { plural } from '../../language/plural.ts';
import type { Probe } from '@llmesh/core/policy/catalogue';

/** Watts more than at rest while it writes: from, to. What such computers commonly take, not what this one does. */
function wattsOf({ backend, device, software }: Probe): readonly [number, number] {
  if (PHONE.test(navigator.userAgent)) return [2, 6];
  if (backend !== 'webgpu' || software) return [10, 50];
  return OWN_CARD.test(device) ? [80, 300] : [10, 40];
}
const PHONE = /Android|iPhone|iPad|Mobile/;
/** Cards with memory of their own, as their makers name them. */
const OWN_CARD = /nvidia|geforce|rtx|gtx|quadro|radeon (rx|pro)|\bamd rx|intel arc|\barc\b/i;

/** What lending took today, as a guess that says that it is one. */
export function energyWords(probe: Probe, writingMs: number): string {
  const [least, most] = wattsOf(probe);
  const range = `about ${least} to ${most} watts more than at rest while it writes`;
  if (writingMs === 0) return `A guess: computers like this take ${range}. A page cannot measure it.`;
  const hours = writingMs / 3_600_000;
  return `It wrote for ${spanWords(writingMs)} today. A guess: computers like this take ${range}, which makes ${wattHours(least * hours, most * hours)}. A page cannot measure it.`;
}

function wattHours(least: number, most: number): string {
  if (most < 1) return 'less than 1 watt-hour today';
  if (most >= 1000) return `${(least / 1000).toFixed(1)} to ${(most / 1000).toFixed(1)} kilowatt-hours today`;
  return `${Math.max(1, Math.round(least))} to ${Math.round(most)} watt-hours today`;
}

function spanWords(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return plural(minutes, ['a minute', '# minutes']);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
