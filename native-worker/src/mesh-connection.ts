/** Says, once each time, when the mesh comes and goes, and waits for what a provider needs of it. */
import { onAbort } from '@llmesh/core/abort';
import { MeshError } from '@llmesh/core/errors';
import type { Offers } from '@llmesh/core/control-protocol';
import { clockWords } from '@llmesh/core/server-time';
import type { MeshNode } from './mesh-node.ts';
import type { Output } from './output.ts';

/** A mesh on the other side of the world answers in less. */
const PATIENCE_MS = 2_000;
/** While it does not answer, from one look at the reason to the next: it may have become another one. */
const LOOK_MS = 15_000;
const OFFER_MS = 3_000;

type Node = Pick<MeshNode, 'control' | 'why'>;

/** `refused`: it will not have us, now or later. Returns the way to stop watching. */
export function watchConnection(
  { control, why }: Node,
  address: URL,
  output: Output,
  refused: (error: MeshError) => void,
): () => void {
  let wasOpen = false;
  let silent = true;
  let saidWhy = '';
  let saidClock = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const sayWhy = async () => {
    const reason = await why();
    if (control.state !== 'connecting' || wasOpen) return;
    timer = setTimeout(() => void sayWhy(), LOOK_MS);
    if (reason === saidWhy) return;
    silent = false;
    saidWhy = reason;
    if (output.json) output.print('', { connection: 'unreachable', mesh: address.origin, reason });
    else output.note(`Not in the mesh yet. ${reason} It is tried again until it works; Ctrl-C stops.`);
  };
  const sayClock = () => {
    const words = clockWords(Date.now(), control.serverNowMs);
    if (words === null || saidClock) return;
    saidClock = true;
    if (output.json) output.print('', { clock: { message: words } });
    else output.note(words);
  };
  timer = setTimeout(() => void sayWhy(), PATIENCE_MS);
  control.onState = (state) => {
    clearTimeout(timer);
    if (state === 'open') {
      if (wasOpen && !silent) output.note('Back on the mesh.');
      if (output.json) output.print('', { connection: 'open', mesh: address.origin });
      wasOpen = true;
      silent = true;
      sayClock();
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

/**
 * Resolves when we are in the mesh and it makes such offers, so that whoever reads "ready" can ask; 3 s after we are in, in
 * any case. `waits` is told why we are not, when that takes longer than a moment. Never, when `signal` aborts before.
 */
export async function readyOnMesh(
  node: Node,
  wanted: (offers: Offers) => boolean,
  waits: (reason: string) => void,
  signal: AbortSignal,
): Promise<void> {
  await joined(node, waits, signal);
  await offersHeard(node, wanted, signal);
}

function joined({ control, why }: Node, waits: (reason: string) => void, signal: AbortSignal): Promise<void> {
  if (control.state === 'open') return Promise.resolve();
  return new Promise((resolve) => {
    if (signal.aborted) return;
    const sayWhy = async () => {
      const reason = await why();
      if (control.state === 'connecting' && !signal.aborted) waits(reason);
    };
    const timer = setTimeout(() => void sayWhy(), PATIENCE_MS);
    const stopWatching = control.watch((state) => {
      if (state !== 'open') return;
      end();
      resolve();
    });
    signal.addEventListener('abort', end, { once: true });
    function end() {
      clearTimeout(timer);
      stopWatching();
      signal.removeEventListener('abort', end);
    }
  });
}

function offersHeard({ control }: Node, wanted: (offers: Offers) => boolean, signal: AbortSignal): Promise<void> {
  if (control.offers !== null && wanted(control.offers)) return Promise.resolve();
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
