import { locale } from './languages.ts';

/** Made when they are first needed, which is after the page is there. */
let whole: Intl.NumberFormat | null = null;
let rules: Intl.PluralRules | null = null;
/** In the order of gettext, where a language has a form for each. */
const ALL_FORMS: readonly Intl.LDMLPluralRule[] = ['zero', 'one', 'two', 'few', 'many', 'other'];

/**
 * `plural(2, ['# answer', '# answers'])` → "2 answers". A translation has as many forms as its language: one text, two forms, or
 * all six.
 */
export function plural(n: number, forms: readonly string[] | string): string {
  const all = typeof forms === 'string' ? [forms] : forms;
  rules ??= new Intl.PluralRules(locale);
  whole ??= new Intl.NumberFormat(locale);
  const rule = rules.select(n);
  const at = all.length === ALL_FORMS.length ? ALL_FORMS.indexOf(rule) : rule === 'one' ? 0 : all.length - 1;
  return (all[at] ?? '').replaceAll('#', whole.format(n));
}
