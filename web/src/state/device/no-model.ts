/** Why this device runs no model, or not this one: the true reason, and what to do about it. */
import type { Probe } from '@llmesh/core/policy/catalogue';
import { MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Choice } from './this-device.svelte.ts';

/** What is known of the device. */
export interface Known {
  probe: Probe | null;
  choices: readonly Choice[];
  /** Why it could not be examined. */
  trouble: MeshError | null;
}

/** To be asked where no model fits. */
export function whyNone({ probe, choices, trouble }: Known): MeshError {
  if (probe === null && trouble !== null) return trouble;
  if (probe?.barrier === 'wasm') return wasmAbsent();
  const smallest = choices.toSorted((a, b) => a.model.memoryBytes - b.model.memoryBytes)[0];
  if (smallest === undefined || smallest.fit.fits) {
    return new MeshError(
      'model_not_found',
      'The list of models could not be loaded. Check the connection, and reload the page.',
    );
  }
  return new MeshError(
    'model_not_found',
    `No model of the list runs here. The smallest is ${smallest.model.name}: ${smallest.fit.why}.`,
  );
}

export function whyNot(id: ModelId, known: Known): MeshError {
  if (!known.choices.some(({ fit }) => fit.fits)) return whyNone(known);
  const choice = known.choices.find(({ model }) => model.id === id);
  const why = choice === undefined || choice.fit.fits ? 'the list of models does not have it' : choice.fit.why;
  return new MeshError(
    'model_not_found',
    `${choice?.model.name ?? 'This model'} does not run on this device: ${why}. Choose another in the list above, or let a ` +
      'volunteer run it.',
  );
}

export function wasmAbsent(cause?: unknown): MeshError {
  return new MeshError(
    'wasm_absent',
    'This browser does not let this page use WebAssembly, which every model needs. Allow it for this site (Lockdown Mode, ' +
      '“enhanced security” and switched-off JavaScript optimisation forbid it), or use another browser. Chatting with ' +
      'volunteers works without it.',
    { cause },
  );
}
