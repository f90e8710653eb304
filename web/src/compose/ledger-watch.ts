/** Puts together what watches the mesh's ledger: a witness, for whoever wants to be one, and an alarm for forks. */
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
  let guarded = false;
  const guard = async () => {
    if (guarded) return;
    guarded = true;
    try {
      const [{ guardAgainstForks }, mesh] = await Promise.all([import('../state/watch/fork-guard.ts'), door.open()]);
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
  control.on('checkpoint', () => {
    witness.begin();
    void guard();
  });
  control.on('account', ({ mode }) => {
    if (mode !== 'off') witness.begin();
  });
  return { witness, alarm };
}
