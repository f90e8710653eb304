/**
 * How much may be given out by when: half of all in the first two years, half of the rest in the next two, and so on.
 * What an epoch does not give out for being there is never given out.
 */
import { SUPPLY, type Micro } from './credit.ts';

export const EPOCH_MS = 3_600_000;
/** Two years of 365 days. */
export const EPOCHS_PER_HALVING = 17_520;
/** The parts of an epoch's budget, in thousandths: for being there, for tasks, for newcomers' allowances. */
export const EMISSION_PARTS = { uptime: 400, tasks: 500, allowances: 100 } as const;
export type EmissionPart = keyof typeof EMISSION_PARTS;

export function epochOf(ms: number): number {
  return Math.floor(ms / EPOCH_MS);
}

/** The budget of the epoch so many after the first. */
export function budgetOf(since: number): Micro {
  const halvings = Math.floor(since / EPOCHS_PER_HALVING);
  // After a hundred years nothing is left; 2 ** 1_024 would be infinite.
  return since < 0 || halvings >= 50 ? 0 : Math.floor(SUPPLY / 2 ** (halvings + 1) / EPOCHS_PER_HALVING);
}

/** All of the first epochs together, so many of them. */
export function scheduled(epochs: number): Micro {
  let sum = 0;
  for (let from = 0; from < epochs && budgetOf(from) > 0; from += EPOCHS_PER_HALVING) {
    sum += budgetOf(from) * Math.min(EPOCHS_PER_HALVING, epochs - from);
  }
  return sum;
}

/** What a part of so many thousandths of the first epochs may give out together. */
export function partScheduled(epochs: number, thousandths: number): Micro {
  return Math.floor(scheduled(epochs) / 1_000) * thousandths;
}
