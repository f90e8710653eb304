/** What a browser reveals of its address, and by which way it reaches a provider: real browsers, real coturn. */
import { expect, type Browser, type Page } from '@playwright/test';
import { wide, type BrowserName } from '../src/browsers.ts';
import { answered, ask, tinyIsOffered } from '../src/chat.ts';
import { startMesh, WITH_RELAY, type TestMesh } from '../src/mesh.ts';
import { plain } from '../src/questions.ts';
import { coturnMissing, startTurnServer } from '../src/turn-server.ts';
import { test } from '../src/visit.ts';

const known = plain[0]!;

/** Every candidate that the page found, as it would tell it to others. */
async function watchCandidates(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const seen: string[] = [];
    const Real = RTCPeerConnection;
    Object.assign(globalThis, {
      candidatesSeen: seen,
      RTCPeerConnection: class extends Real {
        constructor(config?: RTCConfiguration) {
          super(config);
          this.addEventListener('icecandidate', ({ candidate }) => {
            if (candidate !== null && candidate.candidate !== '') seen.push(candidate.candidate);
          });
        }
      },
    });
  });
  return () => page.evaluate(() => (globalThis as unknown as { candidatesSeen: string[] }).candidatesSeen);
}

interface Visitor {
  page: Page;
  candidates: () => Promise<string[]>;
}

async function visit(browser: Browser, mesh: TestMesh): Promise<Visitor> {
  const page = await (await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' })).newPage();
  const candidates = await watchCandidates(page);
  await page.goto(mesh.url);
  await tinyIsOffered(page);
  return { page, candidates };
}

async function hideAddress(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Settings' }).click();
  const settings = page.getByRole('dialog', { name: 'Settings' });
  const hide = settings.getByRole('switch', { name: 'Hide my address' });
  await expect(hide).not.toBeChecked();
  await hide.check();
  await page.keyboard.press('Escape');
  await expect(settings).toBeHidden();
}

/** All that an answer tells, with its folded details. */
async function asked(page: Page): Promise<string> {
  await ask(page, known.question);
  const article = await answered(page);
  await expect(article).toContainText(known.answer);
  return (await article.textContent()) ?? '';
}

for (const name of ['chromium', 'firefox'] satisfies BrowserName[]) {
  test.describe(name, { tag: wide(name) }, () => {
    test('who hides their address is answered through the relay of the mesh, and looks for no other way', async ({
      commonBrowsers,
    }) => {
      const mesh = await startMesh(WITH_RELAY);
      try {
        await mesh.addWorker();
        const { page, candidates } = await visit(await commonBrowsers.get(name), mesh);
        expect(await asked(page)).toMatch(/direct|relayed/);
        const shown = await candidates();
        expect(shown.length).toBeGreaterThan(0);
        await hideAddress(page);
        expect(await asked(page)).toContain('relayed');
        expect(await candidates()).toEqual(shown);
        // It is kept, and tells the next visit, too.
        await page.reload();
        await tinyIsOffered(page);
        expect(await asked(page)).toContain('relayed');
        expect(await candidates()).toEqual([]);
        await page.context().close();
      } finally {
        await mesh.stop();
      }
    });

    test(
      'who hides their address where there is a TURN server shows the address of that and no other',
      { tag: '@wide' },
      async ({ commonBrowsers }) => {
        test.skip(coturnMissing() !== null, coturnMissing() ?? '');
        const turn = await startTurnServer();
        // The mesh has no relay, so the answer went through coturn.
        const mesh = await startMesh({ ...turn.env, LLMESH_RELAY_LINKS: '0' });
        try {
          await mesh.addWorker();
          const { page, candidates } = await visit(await commonBrowsers.get(name), mesh);
          await hideAddress(page);
          expect(await asked(page)).toContain('relayed');
          const shown = await candidates();
          expect(shown.length).toBeGreaterThan(0);
          for (const candidate of shown) {
            // RFC 8839 §5.1. `raddr` would be where the relayed address was made from: Chromium says nothing, Firefox the same.
            const [, at = '', relatedTo] =
              /^candidate:\S+ 1 UDP \d+ (\S+ \d+) typ relay raddr (.+? rport \d+)/i.exec(candidate) ?? [];
            expect(['0.0.0.0 rport 0', at.replace(' ', ' rport ')]).toContain(relatedTo);
          }
          await page.context().close();
        } finally {
          await mesh.stop();
          await turn.stop();
        }
      },
    );
  });
}
