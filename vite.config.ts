/** The page: built from `web/` into `web/dist`, which the control plane serves. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { join } from 'node:path';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { partsAhead } from './scripts/parts-ahead.mjs';
import { firstWords } from './scripts/words/first-words.mjs';
import { inManyLanguages } from './scripts/words/plugin.mjs';

/** Where `npm start` puts the mesh; the dev server passes on what it does not serve itself. */
const MESH = 'http://localhost:7070';
/** SharedArrayBuffer, and with it threads in WebAssembly, needs both. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/** Small things that many parts of the page show: one file to fetch. */
const PIECES = /\/web\/src\/ui\/parts\/|words\.web_src_ui_parts_|\/core\/src\/(?:ledger\/credit|identity\/names)\./;

/** What Vite puts around every `import(…)`. It adds the files as links, whose failure Firefox never forgets. */
const PRELOAD_HELPER = '\0vite/preload-helper.js';

/** Puts `part-files.ts` in its place, and fails where Vite does not ask for it by this name any more. */
function partsAreFetchedFirst(): Plugin {
  const file = join(import.meta.dirname, 'web/src/adapters/part-files.ts');
  let replaced = false;
  return {
    name: 'parts-are-fetched-first',
    apply: 'build',
    enforce: 'pre',
    load(id) {
      if (id !== PRELOAD_HELPER) return null;
      replaced = true;
      return `export { loadPart as __vitePreload } from ${JSON.stringify(file)};`;
    },
    buildEnd(error) {
      if (error === undefined && !replaced) this.error('Vite has another name for its preload helper now.');
    },
  };
}

export default defineConfig({
  root: 'web',
  resolve: { conditions: ['@llmesh/source', ...defaultClientConditions] },
  plugins: [
    inManyLanguages(import.meta.dirname),
    firstWords(import.meta.dirname),
    partsAhead(),
    svelte(),
    partsAreFetchedFirst(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src/sw',
      filename: 'sw.ts',
      injectRegister: false,
      manifest: {
        name: 'LLMesh',
        short_name: 'LLMesh',
        description: 'Borrow a computer. Ask it anything. Lend yours too.',
        start_url: '/',
        // The service worker takes it: what is shared does not go to the server.
        share_target: {
          action: '/share',
          method: 'POST',
          enctype: 'application/x-www-form-urlencoded',
          params: { title: 'title', text: 'text', url: 'url' },
        },
        display: 'standalone',
        background_color: '#f7f3e6',
        theme_color: '#12312f',
        icons: [
          { src: '/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: '/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
      injectManifest: {
        // Engines and models are large, and theirs to keep.
        globPatterns: ['index.html', 'theme.js', 'start.js', 'mark.svg', 'assets/*.{js,css,woff2}'],
        globIgnores: ['assets/*web-llm*', 'assets/*wllama*', 'assets/pdf*'],
      },
    }),
  ],
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    sourcemap: false,
    chunkSizeWarningLimit: 7000,
    rolldownOptions: {
      // Svelte has custom elements ready for whoever makes them; nobody here does.
      treeshake: { moduleSideEffects: [{ test: /\/svelte\/src\/internal\/client\//, sideEffects: false }] },
      output: {
        // The page names the files of all of its parts, so that they have short names; some are known by theirs.
        chunkFileNames: ({ name }) =>
          /web-llm|wllama|pdf/.test(name) ? 'assets/[name]-[hash].js' : 'assets/[hash:7].js',
        assetFileNames: ({ names: [name = ''] }) =>
          name.endsWith('.css') && name !== 'page.css' ? 'assets/[hash:7].css' : 'assets/[name]-[hash][extname]',
        codeSplitting: {
          // What the first visit loads in any case is one file: many small ones pack worse.
          // The rest stays apart: merged, parts bring along what nobody asked for.
          groups: [
            { name: 'page', tags: ['$initial'], priority: 1 },
            { name: 'pieces', test: PIECES, minShareCount: 2 },
          ],
          includeDependenciesRecursively: false,
        },
      },
    },
    // Vite leaves out a file that imports nothing: `part-files.ts` wants every file of a part.
    modulePreload: {
      // Every browser that reads this code has it.
      polyfill: false,
      resolveDependencies: (file, files, { hostType }) => (hostType === 'js' ? [...new Set([file, ...files])] : files),
    },
  },
  server: {
    headers: isolation,
    proxy: {
      '/mesh': { target: MESH, ws: true },
      '/signal': { target: MESH, ws: true },
      '/relay': { target: MESH, ws: true },
      '/api': MESH,
      '/models': MESH,
    },
  },
  preview: { headers: isolation },
});
