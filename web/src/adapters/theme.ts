/** The theme on the document, remembered for `theme.js`, which runs before anything is painted. */
import type { Theme } from '../state/settings.svelte.ts';

/** `failed` hears that it is forgotten with the page. */
export function showTheme(theme: Theme, failed: (error: unknown) => void): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch (error) {
    failed(error);
  }
}
