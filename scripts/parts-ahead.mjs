/**
 * Whoever opens another page than Chat needs its parts, which the browser would find one after the other. `index.html` names
 * their files by page, and `start.js` asks for those of the page at once. How they are loaded stays with `part-files.ts`.
 */
const PARTS = {
  '/donate': [
    'ui/donate/DonatePage.svelte',
    'compose/donate-page.ts',
    'compose/engines.ts',
    'sharing/sharing.svelte.ts',
  ],
  '/network': ['ui/network/NetworkPage.svelte'],
  '/models': ['ui/models/ModelsPage.svelte', 'compose/models/library.ts'],
  '/credits': ['ui/credits/CreditsPage.svelte'],
};
const PLACE = '<!-- parts ahead -->';

/** @returns {import('vite').Plugin} */
export function partsAhead() {
  return {
    name: 'parts-ahead',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        if (!html.includes(PLACE)) throw new Error('index.html has no place for the parts of its pages.');
        if (bundle === undefined) return html.replace(PLACE, '');
        const files = Object.entries(PARTS).map(([page, parts]) => [page, filesOf(bundle, parts)]);
        const named = JSON.stringify(Object.fromEntries(files)).replaceAll('"', '&quot;');
        return html.replace(PLACE, `<meta name="parts" content="${named}" />`);
      },
    },
  };
}

function filesOf(bundle, parts) {
  const chunks = Object.values(bundle).filter(({ type }) => type === 'chunk');
  const files = new Set();
  const take = (name) => {
    const chunk = bundle[name];
    // What every page loads is on its way.
    if (files.has(name) || chunk?.type !== 'chunk' || chunk.isEntry || chunk.name === 'page') return;
    files.add(name);
    for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style);
    for (const each of chunk.imports) take(each);
  };
  for (const part of parts) {
    const chunk = chunks.find(({ moduleIds }) => moduleIds.some((id) => id.endsWith(`/${part}`)));
    if (chunk === undefined) throw new Error(`No file of the page has ${part}.`);
    take(chunk.fileName);
  }
  return [...files].map((name) => name.replace(/^assets\//, ''));
}
