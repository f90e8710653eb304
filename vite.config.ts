/** The page: built from `web/` into `web/dist`, which the control plane serves. */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defaultClientConditions, defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

/** Where `npm start` puts the mesh; the dev server passes on what it does not serve itself. */
const MESH = 'http://localhost:7070';
/** SharedArrayBuffer, and with it threads in WebAssembly, needs both. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  root: 'web',
  resolve: { conditions: ['@llmesh/source', ...defaultClientConditions] },
  plugins: [
    svelte(),
    VitePWA({
      registerType: 'prompt',
      injectRegister: false,
      manifest: {
        name: 'LLMesh',
        short_name: 'LLMesh',
        description: 'Borrow a computer. Ask it anything. Lend yours too.',
        start_url: '/',
        display: 'standalone',
        background_color: '#f7f3e6',
        theme_color: '#12312f',
        icons: [
          { src: '/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: '/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
        ],
      },
      workbox: {
        // The shell, what shows kept conversations, and what tells what this device can do. Engines and models are large,
        // and theirs to keep.
        globPatterns: ['index.html', 'theme.js', 'mark.svg', 'assets/*.{js,css,woff2}'],
        globIgnores: ['assets/*web-llm*', 'assets/*wllama*'],
        navigateFallback: '/index.html',
        navigateFallbackDenylist: [/^\/(?:api|mesh|signal|models|v1|healthz|metrics)(?:\/|$)/],
        // Who asked this device once can ask it without a network: the engine that it took stays.
        runtimeCaching: [
          {
            urlPattern: ({ url, sameOrigin }) => sameOrigin && /^\/assets\/.*(?:web-llm|wllama)/i.test(url.pathname),
            handler: 'CacheFirst',
            options: { cacheName: 'engines', expiration: { maxEntries: 24, purgeOnQuotaError: true } },
          },
        ],
        clientsClaim: true,
        cleanupOutdatedCaches: true,
      },
    }),
  ],
  worker: { format: 'es' },
  build: { target: 'es2023', sourcemap: false, chunkSizeWarningLimit: 7000 },
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
