/** The parameters as they are at this point of the log. */
import { PARAMETERS, type ParameterName } from '../governance/parameters.ts';
import { parameterKey } from './keys.ts';
import type { StateValue } from './state.ts';

interface Readable {
  get(key: string): StateValue | undefined;
}

export function parameter(state: Readable, name: ParameterName): number {
  const changed = state.get(parameterKey(name)) as readonly [number, number] | undefined;
  return changed === undefined ? PARAMETERS[name].initial : changed[0];
}

/** When a vote last changed it; null: none did. */
export function changedMs(state: Readable, name: ParameterName): number | null {
  const changed = state.get(parameterKey(name)) as readonly [number, number] | undefined;
  return changed === undefined ? null : changed[1];
}

/** The part of an amount, in thousandths, rounded down; exact for every amount that there is. */
export function partOf(amount: number, thousandths: number): number {
  return Math.floor(amount / 1_000) * thousandths + Math.floor(((amount % 1_000) * thousandths) / 1_000);
}
