// npm run check: what the documents name exists. Links lead to a file, quoted titles to a test of the file before them, and
// the version of the protocol is the one that the code speaks.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const NOT_OURS = new Set(['node_modules', 'dist', 'test-results', 'playwright-report', 'results']);
const files = documentsIn('.');
const faults = files.flatMap((file) => {
  const text = readFileSync(file, 'utf8');
  return [...links(file, text), ...titles(file, text)];
});
const [spoken] = read('core/src/wire/peer-limits.ts', /PROTOCOL_VERSION = (\d+)/);
const [written] = read('docs/protocol.md', /^# Protocol, version (\d+)/);
if (spoken !== written) faults.push(`docs/protocol.md is about version ${written}; the code speaks ${spoken}.`);
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length > 0) process.exit(1);
process.stdout.write(`${files.length} documents\n`);

/** A downloaded archive has no Git to ask. */
function documentsIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return entry.name.endsWith('.md') ? [path] : [];
    return NOT_OURS.has(entry.name) || entry.name.startsWith('.') ? [] : documentsIn(path);
  });
}

function links(file, text) {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets
    .filter((target) => !/^(https?:|mailto:|#)/.test(target))
    .filter((target) => !existsSync(join(dirname(file), target.replace(/#.*$/, ''))))
    .map((target) => `${file}: nothing is at ${target}.`);
}

/** Each `[file.test.ts](…) "title", "title"`; "…" in a title stands for anything. */
function titles(file, text) {
  const quotes = text.matchAll(/\]\(([^)\s]+\.test\.ts)\)((?:,? "[^"]+")+)/g);
  return [...quotes].flatMap(([, target, quoted]) => {
    const tests = join(dirname(file), target);
    if (!existsSync(tests)) return [];
    const code = readFileSync(tests, 'utf8').replaceAll(/\\(['"`])/g, '$1');
    const missing = [...quoted.matchAll(/"([^"]+)"/g)].map(([, title]) => title).filter((title) => !has(code, title));
    return missing.map((title) => `${file}: ${target} has no test "${title}".`);
  });
}

function has(code, title) {
  return title.split('…').every((part) => code.includes(part.trim()));
}

function read(file, pattern) {
  const found = pattern.exec(readFileSync(file, 'utf8'));
  if (found === null) throw new Error(`${file} does not say which version it is about.`);
  return [found[1]];
}
