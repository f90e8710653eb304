/**
 * How demand moves a price: slowly. The multiplier follows the load by small steps at fixed times, so a burst of questions,
 * or providers that come and go, hardly move it, and nobody gains by pushing it to and fro.
 */
import { PLAIN } from './price.ts';

/** The time between two steps. */
export const DEMAND_STEP_MS = 15_000;
/** The most that one step changes, in thousandths. From the usual price to its double takes at least twelve minutes. */
export const MAX_DEMAND_STEP = 20;
/** A step goes this part of the way. */
const SMOOTHING = 8;
/** From half of the slots in use up to all of them, with nobody waiting, is as usual. */
const [IDLE_BELOW, SCARCE_ABOVE, SCARCEST_AT] = [500, 1_000, 2_000] as const;

export interface DemandBounds {
  /** In thousandths, at most PLAIN: what an idle offer costs. */
  readonly floor: number;
  /** In thousandths, at least PLAIN: what the scarcest offer costs. */
  readonly ceiling: number;
}

/** How much of an offer is wanted, in thousandths of its slots: 1,000 is all of them, and more means that some wait. */
export function loadOf({ busy, waiting, slots }: { busy: number; waiting: number; slots: number }): number {
  if (slots === 0) return waiting > 0 ? SCARCEST_AT : SCARCE_ABOVE;
  return Math.min(SCARCEST_AT, Math.floor(((busy + waiting) * 1_000) / slots));
}

/** The multiplier to which this load leads in the end. */
export function demandAt(load: number, { floor, ceiling }: DemandBounds): number {
  if (load < IDLE_BELOW) return floor + Math.floor(((PLAIN - floor) * load) / IDLE_BELOW);
  if (load <= SCARCE_ABOVE) return PLAIN;
  const scarce = Math.min(load, SCARCEST_AT) - SCARCE_ABOVE;
  return PLAIN + Math.floor(((ceiling - PLAIN) * scarce) / (SCARCEST_AT - SCARCE_ABOVE));
}

/** The multiplier one step later. */
export function nextDemand(before: number, load: number, bounds: DemandBounds): number {
  const gap = demandAt(load, bounds) - before;
  const step = Math.min(MAX_DEMAND_STEP, Math.ceil(Math.abs(gap) / SMOOTHING));
  // A vote may have moved the bounds themselves.
  return Math.min(bounds.ceiling, Math.max(bounds.floor, before + Math.sign(gap) * step));
}
