/** Puts together what watches the mesh's ledger: a witness, for whoever wants to be one, and an alarm for forks. */
import type { Mesh } from '@llmesh/core/mesh';
import { getFile } from '../adapters/get-json.ts';
import { notKept, warn } from '../adapters/log.ts';
import { ForkAlarm } from '../state/watch/fork-alarm.svelte.ts';
import { WitnessChoice } from '../state/watch/witness-choice.svelte.ts';
import type { Visit } from './visit.ts';

export interface LedgerWatch {
  witness: WitnessChoice;
  alarm: ForkAlarm;
}

export function composeLedgerWatch({ control, identity, store, records, door, selfPasses }: Visit): LedgerWatch {
  const fetch = (path: string, maxBytes: number, signal: AbortSignal) => getFile(`/log/${path}`, maxBytes, signal);
  const alarm = new ForkAlarm({ store: records, failed: notKept });
  const witness = new WitnessChoice({
    store: records,
    lasts: selfPasses === null,
    begin: async (told, signal) => {
      const [{ beginWitnessing }, { KeptWitnessed }] = await Promise.all([
        import('../state/watch/witnessing.ts'),
        import('../state/watch/kept-witnessed.ts'),
      ]);
      const forked = alarm.take.bind(alarm);
      // Not the patient store: nothing may be signed that is not kept yet.
      const state = new KeptWitnessed(store);
      return beginWitnessing({ control, identity, state, fetch, now: Date.now, told, forked }, signal);
    },
    failed: (error) => warn('watching the ledger', error),
  });
  let mesh: Mesh | null = null;
  let guarded = false;
  // What peers were shown is known to those who meet some: nobody joins the mesh for it.
  const guard = async () => {
    if (guarded || mesh === null) return;
    guarded = true;
    try {
      const { guardAgainstForks } = await import('../state/watch/fork-guard.ts');
      const failed = (error: unknown) => warn('comparing the ledger with what others were shown', error);
      const found = alarm.take.bind(alarm);
      const never = new AbortController().signal;
      await guardAgainstForks({ control, checkpoints: mesh.checkpoints, fetch, found, failed }, never);
    } catch (error) {
      // The next checkpoint tries again.
      guarded = false;
      warn('the ledger is not compared with what others were shown', error);
    }
  };
  let shown = false;
  door.whenOpen((opened) => {
    mesh = opened;
    if (shown) void guard();
  });
  control.on('checkpoint', () => {
    shown = true;
    witness.begin();
    void guard();
  });
  control.on('account', ({ mode }) => {
    if (mode !== 'off') witness.begin();
  });
  return { witness, alarm };
}
