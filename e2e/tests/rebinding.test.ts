/** A site's own name is made to lead to this computer while its page is open: DNS rebinding, in a real browser. */
import { expect } from '@playwright/test';
import { launchWhereLeadsHere } from '../src/browsers.ts';
import { test } from '../src/visit.ts';

const EVIL = 'evil.example';
const PATHS = ['/', '/api/peers', '/metrics', '/healthz', '/v1/models', '/signal/peerjs/id', '/models/catalogue.json'];
const SOCKETS = ['/mesh', '/relay?ticket=x', '/signal/peerjs?key=peerjs'];

test('a page whose name leads here gets nothing of a mesh that runs here', async ({ mesh }) => {
  const browser = await launchWhereLeadsHere(EVIL);
  try {
    const page = await browser.newPage();
    const { port } = new URL(mesh.url);
    const takenFrom = async (host: string) => {
      // Anything that it loads is of this origin: what runs in it now is the site's own script.
      await page.goto(`http://${host}:${port}/nothing`);
      return page.evaluate(
        async ([paths, sockets]) => {
          const statuses = paths.map(async (path) => (await fetch(path)).status);
          const opened = sockets.map(async (path) => {
            const socket = new WebSocket(`ws://${location.host}${path}`);
            return new Promise<boolean>((resolve) => {
              socket.onopen = () => resolve(true);
              socket.onerror = () => resolve(false);
            });
          });
          return { statuses: await Promise.all(statuses), opened: await Promise.all(opened) };
        },
        [PATHS, SOCKETS] as const,
      );
    };
    expect(await takenFrom(EVIL)).toEqual({ statuses: PATHS.map(() => 421), opened: [false, false, false] });
    const ours = await takenFrom('localhost');
    expect(ours.statuses.slice(1, 4)).toEqual([200, 200, 200]);
    expect(ours.opened[0]).toBe(true);
    const shown = await page.goto(`http://${EVIL}:${port}/`);
    expect(shown?.status()).toBe(421);
    await expect(page.getByText(`LLMESH_HOSTS=${EVIL}`)).toBeVisible();
  } finally {
    await browser.close();
  }
});
