/** Colours for code: highlight.js with the languages people ask for most. Loaded with the first code block. */
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import css from 'highlight.js/lib/languages/css';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import python from 'highlight.js/lib/languages/python';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { safeColours } from './safe.ts';

const languages = { bash, css, javascript, json, python, sql, typescript, xml, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

/** Longer code is not coloured: it would take too long. */
const MAX_CHARS = 12_000;
/** So is code of which nearly every character would have a colour. */
const MAX_HTML_CHARS = 100_000;

/** Coloured code, or `null` when the language is not one of ours. */
export function highlight(text: string, language: string): DocumentFragment | null {
  if (text.length > MAX_CHARS || hljs.getLanguage(language) === undefined) return null;
  const { value } = hljs.highlight(text, { language, ignoreIllegals: true });
  return value.length > MAX_HTML_CHARS ? null : safeColours(value);
}
