/** The languages of the page. `public/theme.js` chooses among the same before the first paint. */

/** By its code: the name that its readers give it, and where its lines begin. */
export const LANGUAGES = {
  en: { name: 'English', direction: 'ltr' },
  de: { name: 'Deutsch', direction: 'ltr' },
  es: { name: 'Español', direction: 'ltr' },
  fr: { name: 'Français', direction: 'ltr' },
  zh: { name: '简体中文', direction: 'ltr' },
  ja: { name: '日本語', direction: 'ltr' },
  ar: { name: 'العربية', direction: 'rtl' },
} as const;

export type Language = keyof typeof LANGUAGES;

export function isLanguage(code: string): code is Language {
  return Object.hasOwn(LANGUAGES, code);
}

/** Of this visit: what the page was marked with before anything was shown. English where there is no page. */
export const language: Language = (() => {
  const marked = typeof document === 'undefined' ? 'en' : document.documentElement.lang;
  return isLanguage(marked) ? marked : 'en';
})();

/** For numbers and dates. British English: its clock has 24 hours, as the page's has in every language. */
export const locale: string = language === 'en' ? 'en-GB' : language;
