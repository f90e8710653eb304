/** Says, once each time, when the mesh comes and goes, and waits for what a provider needs from it. */
import { onAbort } from '@llmesh/core/base/abort';
import { MeshError } from '@llmesh/core/base/errors';
import type { Offers } from '@llmesh/core/wire/control-protocol';
import { clockWords } from '@llmesh/core/control/server-time';
import type { OpenPeer } from '@llmesh/core/open-peer';
import type { Output } from '../cli/output.ts';

/** A mesh on the other side of the world answers in less. */
const PATIENCE_MS = 2_000;
/** The time between two looks at why the mesh does not answer: the reason may have changed. */
const LOOK_MS = 15_000;
const OFFER_MS = 3_000;
/** The time from joining the mesh until others can call us. */
const CALL_MS = 10_000;
const NOT_CALLED =
  'It is in the mesh, but nobody can call it yet: its WebSocket on /signal does not open. A proxy in front of the mesh has to pass WebSockets on there, too.';

type Node = Pick<OpenPeer, 'control' | 'why'>;

/** `refused`: told that the mesh will never accept us. Returns a function that stops watching. */
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
    else output.note(`Not in the mesh yet. ${reason} Trying again until it works; Ctrl-C stops.`);
  };
  const sayClock = () => {
    const words = clockWords(Date.now(), control.serverNowMs);
    if (words === null || saidClock) return;
    saidClock = true;
    if (output.json) output.print('', { clock: { message: words } });
    else output.note(words);
  };
  timer = setTimeout(() => void sayWhy(), PATIENCE_MS);
  const stopWatching = control.on('state', (state) => {
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
  });
  return () => {
    clearTimeout(timer);
    stopWatching();
  };
}

export interface ReadyNeeds {
  node: Node;
  /** The offers that it waits for. */
  listed: (offers: Offers) => boolean;
  /** Whether we offer something ourselves. Left out: we only ask. */
  offered?: Promise<void>;
  /** Told why we are not ready, when that takes longer than a moment. */
  waits: (reason: string) => void;
}

/**
 * Resolves when we are in the mesh and it lists what it should, so that anyone who reads "ready" can ask; in any case 3 s
 * after all else. Never resolves when `signal` aborts before.
 */
export async function readyOnMesh({ node, listed, offered, waits }: ReadyNeeds, signal: AbortSignal): Promise<void> {
  await joined(node, waits, signal);
  if (offered !== undefined) {
    const timer = setTimeout(() => node.control.state === 'open' && waits(NOT_CALLED), CALL_MS);
    const stopListening = onAbort(signal, () => clearTimeout(timer));
    await offered;
    clearTimeout(timer);
    stopListening();
  }
  await offersHeard(node, listed, signal);
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
    const stopWatching = control.on('state', (state) => {
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
      stopAborting();
      stopListening();
      resolve();
    };
    const timer = setTimeout(done, OFFER_MS);
    const stopAborting = onAbort(signal, () => done());
    const stopListening = control.on('offers', (offers) => {
      if (wanted(offers)) done();
    });
  });
}
