/**
 * What a first visit reads before the page runs: it stands in `index.html`, in each language, where and as `Hello.svelte`
 * says it; `theme.js` chooses. The page puts itself in its place.
 */
import PO from 'pofile';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGE_DIR, LANGUAGES } from './sentences.mjs';

const PLACE = '<!-- first words -->';
const HEADING = 'Borrow a computer.<0/>Ask it anything.';
const LEAD =
  'Open models, run on the computers of people who lend you theirs: in a browser tab, or with the desktop worker. No account.';

/** @returns {import('vite').Plugin} */
export function firstWords(root) {
  return {
    name: 'first-words',
    transformIndexHtml(html) {
      if (!html.includes(PLACE)) throw new Error('index.html has no place for the first words.');
      return html.replace(PLACE, LANGUAGES.map((language) => words(root, language)).join(''));
    },
  };
}

function words(root, language) {
  const { items } = PO.parse(readFileSync(join(root, LANGUAGE_DIR, 'po', `${language}.po`), 'utf8'));
  const said = (sentence) => {
    const [translated] = items.find(({ msgid }) => msgid === sentence)?.msgstr ?? [];
    if (!translated) throw new Error(`The page does not say “${sentence}” in ${language} any more.`);
    return translated.replace('<0/>', '<br />');
  };
  return `<div lang="${language}"><h1>${said(HEADING)}</h1><p class="hello__lead">${said(LEAD)}</p></div>`;
}
