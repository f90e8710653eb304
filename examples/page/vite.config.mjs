// A mesh answers pages of its own address: this passes on to it what is not the page. Pages that you host elsewhere are
// let in by LLMESH_ORIGINS, see docs/run-a-mesh.md.
import { defaultClientConditions, defineConfig } from 'vite';

const target = process.env.MESH ?? 'http://localhost:7070';

export default defineConfig({
  // Only in this repository, where core is its sources.
  resolve: { conditions: ['@llmesh/source', ...defaultClientConditions] },
  server: {
    proxy: {
      '/mesh': { target, ws: true },
      '/signal': { target, ws: true },
      '/relay': { target, ws: true },
    },
  },
});
