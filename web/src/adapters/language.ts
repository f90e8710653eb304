/** The language of the page, remembered for `theme.js`, which marks the page with it before anything is painted. */
import type { Language } from '../language/languages.ts';

/** Of the next visit. `failed` hears that it is forgotten with the page. */
export function keepLanguage(language: Language, failed: (error: unknown) => void): void {
  try {
    localStorage.setItem('language', language);
  } catch (error) {
    failed(error);
  }
}
