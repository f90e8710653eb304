// npm run words: reads the sentences of the page into web/src/language/po, for those who translate them.
// npm run words -- --check: fails where a translation is missing, or has other places for names and numbers than its sentence.
import PO from 'pofile';
import { Hub } from 'wuchale';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGE_DIR, LANGUAGES, config } from './words/sentences.mjs';

const hub = await Hub.create('cli', () => config, process.cwd());
const checking = process.argv.includes('--check');
if (!checking) await hub.directVisit(true, false, false);

const faults = [];
const { syncs } = await hub.check(checking);
if (syncs.length > 0) faults.push('The page says what is in no translation yet, or no more what is: npm run words.');
let sentences = 0;
for (const language of LANGUAGES) {
  const { items, headers } = PO.parse(readFileSync(join(LANGUAGE_DIR, 'po', `${language}.po`), 'utf8'));
  const forms = Number(/nplurals=(\d)/.exec(headers['Plural-Forms'])?.[1]);
  sentences = items.length;
  let lacking = 0;
  for (const { msgid, msgid_plural: many, msgstr } of items) {
    const said = msgstr.filter((form) => form !== '');
    if (said.length < (many === null ? 1 : forms)) lacking++;
    else if (said.some((form) => places(form) !== places(msgid)))
      faults.push(
        `${language}: ${JSON.stringify(msgid)} is translated by what has other places: ${JSON.stringify(msgstr)}`,
      );
  }
  if (lacking > 0) faults.push(`${language}: ${lacking} of ${items.length} sentences are not translated.`);
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exitCode = 1;
else process.stdout.write(`${sentences} sentences, in ${LANGUAGES.length} languages.\n`);

/** What a sentence leaves open: values as {0}, parts as <0>…</0>. A number, #, may be a word in some form. */
function places(sentence) {
  return (sentence.match(/\{\d+\}|<\/?\d+\/?>/gu) ?? []).sort().join(' ');
}
