/** Keeps the page for visits without a network, and tells when there is a newer one. */
import type { Update } from '../state/update.svelte.ts';

export async function registerServiceWorker(update: Update): Promise<void> {
  const { registerSW } = await import('virtual:pwa-register');
  const apply = registerSW({ onNeedRefresh: () => update.offer(() => void apply(true)) });
}
