// Before the first paint, so that a chosen theme never flashes the other one, and lines begin on the right side at once. The
// choices are kept up to date by adapters/theme.ts and adapters/language.ts; language/languages.ts has the same languages.
{
  const chosen = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      // No storage here: as the system has it.
      return null;
    }
  };
  const page = document.documentElement;
  const theme = chosen('theme');
  if (theme === 'light' || theme === 'dark') page.dataset.theme = theme;
  const languages = ['en', 'de', 'es', 'fr', 'zh', 'ja', 'ar'];
  const wanted = [chosen('language'), ...navigator.languages].map((code) => code?.split('-')[0].toLowerCase());
  page.lang = wanted.find((code) => languages.includes(code)) ?? 'en';
  if (page.lang === 'ar') page.dir = 'rtl';
  // A new conversation: its first words stand in the page, and need not wait for it.
  if (location.pathname === '/' && location.hash === '') page.dataset.hello = '';
}
