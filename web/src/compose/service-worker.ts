/** Keeps the page for visits without a network, and tells when there is a newer one. */
import type { ControlClient } from '@llmesh/core/control/control';
import { warn } from '../adapters/log.ts';
import type { PageWorker } from '../adapters/page-worker.ts';
import { Update, type UpdateNeeds } from '../state/shell/update.svelte.ts';

export interface UpdateParts extends Omit<UpdateNeeds, 'reload'> {
  control: ControlClient;
}

export function composeUpdate({ control, ...needs }: UpdateParts): { update: Update; register: () => void } {
  let worker: PageWorker | null = null;
  const reload = async () => {
    await worker?.takeNewest();
    location.reload();
  };
  const { update } = Update.follow({ ...needs, reload: () => void reload() });
  // Whoever was away may have come back with a newer page; browsers look by themselves only when a page is opened.
  let met = false;
  control.on('state', (state) => {
    if (state !== 'open') return;
    if (met) worker?.look().catch((error: unknown) => warn('whether there is a newer page', error));
    met = true;
  });
  const follow = async () => {
    const part = await import('../adapters/page-worker.ts');
    worker = await part.PageWorker.register({ newer: (fresh) => update.offer(fresh) });
  };
  const register = () => {
    follow().catch((error: unknown) => warn('the page is not kept for visits without a network', error));
  };
  return { update, register };
}
