// What a first visit to the page must download before it can be used, gzipped as it is served, against its budget.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Of scripts, 90 KiB are 92,160 bytes; most browsers take them by Brotli, which is a seventh less. */
const BUDGET_BYTES = { script: 91_000, style: 14_000 };
const dist = 'web/dist';

const html = readFileSync(join(dist, 'index.html'), 'utf8');
const linked = [...html.matchAll(/(?:src|href)="\/?([^"]+\.(?:js|css))"/g)].map((match) => match[1]);
const spent = { script: 0, style: 0 };
for (const file of new Set(linked)) {
  spent[file.endsWith('.js') ? 'script' : 'style'] += statSync(join(dist, `${file}.gz`)).size;
}
let over = false;
for (const [kind, budget] of Object.entries(BUDGET_BYTES)) {
  const used = spent[kind];
  over ||= used > budget || used === 0;
  process.stdout.write(`${kind}: ${(used / 1000).toFixed(1)} of ${budget / 1000} kB gzipped\n`);
}
if (over) {
  process.stderr.write(
    'The first load is over its budget (or nothing was found): load it lazily, or say why it must grow.\n',
  );
  process.exit(1);
}
