// npm run build: builds the page, and notes its sources, so that npm start need not build it again.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPage } from './build-page.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

await buildPage(ROOT, new AbortController().signal);
