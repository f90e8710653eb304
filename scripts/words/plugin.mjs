/**
 * Builds the page in all of its languages: the sources hold English, which each part of the page brings along; every other
 * language is one file, which only those fetch who read it.
 */
import { Hub } from 'wuchale';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LANGUAGE_DIR, LANGUAGES, config } from './sentences.mjs';

const TRANSLATIONS = 'virtual:translations';
/** How code that was read asks for its words; the second argument is ours. */
const ASKING = /\b(_w_load_(?:rx_)?)\('(\w+)'\)/g;

/** @returns {import('vite').Plugin} */
export function inManyLanguages(root) {
  const made = join(root, LANGUAGE_DIR, '.wuchale');
  let hub;
  return {
    name: 'in-many-languages',
    apply: 'build',
    enforce: 'pre',
    async buildStart() {
      // So that nothing that the page says is without words.
      await (await Hub.create('cli', () => config, root)).directVisit(true, false, false);
      hub = await Hub.create('build', () => config, root);
    },
    resolveId: (id) => (id === TRANSLATIONS ? `\0${id}` : null),
    async load(id) {
      if (id !== `\0${TRANSLATIONS}`) return null;
      const addresses = [];
      for (const language of LANGUAGES.slice(1)) {
        const source = JSON.stringify(await translation(made, language));
        const file = this.emitFile({ type: 'asset', name: `translation-${language}.json`, source });
        addresses.push(`${language}: import.meta.ROLLUP_FILE_URL_${file}`);
      }
      return `export default { ${addresses.join(', ')} };`;
    },
    async transform(code, id) {
      const file = id.split('?')[0];
      // Styles of components, and what is asked for as a URL.
      if (id.includes('?') || !/^(?:web|core)\/src\//.test(relative(root, file))) return null;
      const [output] = await hub.transform(code, file);
      if (output.code === undefined) return null;
      const parts = new Set();
      const asking = output.code.replace(ASKING, (_, load, part) => {
        parts.add(part);
        return `${load}('${part}', _w_english_)`;
      });
      const [part, second] = parts;
      if (part === undefined || second !== undefined)
        this.error(`${file} asks for its words in a way that is new here.`);
      const english = `import * as _w_english_ from ${JSON.stringify(join(made, `words.${part}.en.compiled.js`))};`;
      const at = asking.indexOf('import {getRuntime as _w_load_');
      if (at === -1) this.error(`${file} gets its words from somewhere else.`);
      return { code: `${asking.slice(0, at)}${english}\n${asking.slice(at)}`, map: null };
    },
  };
}

/** What each part of the page says in this language; in English where that is not translated. */
async function translation(made, language) {
  const end = `.${language}.compiled.js`;
  const parts = {};
  for (const name of readdirSync(made)
    .filter((one) => one.endsWith(end))
    .sort()) {
    const part = name.slice(0, -end.length);
    const [words, english] = await Promise.all([
      compiled(made, `${part}${end}`),
      compiled(made, `${part}.en.compiled.js`),
    ]);
    if (english.length > 0)
      parts[part.slice('words.'.length)] = english.map((one, i) => (isSaid(words[i]) ? words[i] : one));
  }
  return parts;
}

async function compiled(made, name) {
  return (await import(pathToFileURL(join(made, name)).href)).c;
}

function isSaid(words) {
  return Array.isArray(words) ? words.some((one) => one !== '') : words !== undefined && words !== '';
}
