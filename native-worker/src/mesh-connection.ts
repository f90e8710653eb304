/** Says, once each time, when the mesh comes and goes, and waits for what a provider needs of it. */
import { onAbort } from '@llmesh/core/abort';
import { MeshError } from '@llmesh/core/errors';
import type { Offers } from '@llmesh/core/control-protocol';
import type { MeshNode } from './mesh-node.ts';
import type { Output } from './output.ts';

/** A mesh on the other side of the world answers in less. */
const PATIENCE_MS = 2_000;
const OFFER_MS = 3_000;

/** `refused`: it will not have us, now or later. Returns the way to stop watching. */
export function watchConnection(
  { control }: MeshNode,
  address: URL,
  output: Output,
  refused: (error: MeshError) => void,
): () => void {
  let wasOpen = false;
  let silent = true;
  const sayUnreachable = () => {
    silent = false;
    if (output.json) output.print('', { connection: 'unreachable', mesh: address.origin });
    else output.note(`No mesh answers at ${address.origin}. Trying again until one does; Ctrl-C stops.`);
  };
  let timer = setTimeout(sayUnreachable, PATIENCE_MS);
  control.onState = (state) => {
    clearTimeout(timer);
    if (state === 'open') {
      if (wasOpen && !silent) output.note('Back on the mesh.');
      if (output.json) output.print('', { connection: 'open', mesh: address.origin });
      wasOpen = true;
      silent = true;
    } else if (state === 'connecting' && wasOpen) {
      silent = false;
      if (output.json) output.print('', { connection: 'lost', mesh: address.origin });
      else output.note('The mesh is gone. Trying again until it is back.');
    } else if (state === 'refused') {
      refused(control.refusal ?? new MeshError('control_refused', 'The mesh refused this computer.'));
    }
  };
  return () => {
    clearTimeout(timer);
    control.onState = null;
  };
}

/** Resolves when the mesh makes such offers, so that whoever reads "ready" can ask; after 3 s in any case. */
export function offersHeard(
  { control }: MeshNode,
  wanted: (offers: Offers) => boolean,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      stopListening();
      control.onOffers = null;
      resolve();
    };
    const timer = setTimeout(done, OFFER_MS);
    const stopListening = onAbort(signal, () => done());
    control.onOffers = (offers) => {
      if (wanted(offers)) done();
    };
  });
}
