import { expect, type Page } from '@playwright/test';
import { openPage } from '../src/browsers.ts';
import { answered, ask, tinyIsOffered } from '../src/chat.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

let mesh: TestMesh;
test.beforeEach(async () => {
  mesh = await startMesh();
});
test.afterEach(() => mesh.stop());

const longest = plain.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
const statusOf = (page: Page) => page.getByRole('status', { name: 'Provider status' });
const READY = { timeout: 120_000 };

test(
  'a volunteer pauses for an hour, which a reload does not end, keeps to hours, and finishes before it stops',
  { tag: '@wide' },
  async ({ commonBrowsers }) => {
    test.setTimeout(180_000);
    const chromium = await commonBrowsers.get('chromium');
    const { page, errors } = await openPage(chromium, `${mesh.url}/donate`);
    const status = statusOf(page);
    await page.getByRole('button', { name: 'Start donating' }).click();
    await expect(status).toContainText('Ready. No requests', READY);

    await page.getByRole('button', { name: 'Pause for 1 hour' }).click();
    await expect(status).toContainText(/Paused by you until \d\d:\d\d/);
    await page.reload();
    await expect(statusOf(page)).toContainText(/Paused by you until \d\d:\d\d/, READY);
    await page.getByRole('button', { name: 'Go on now' }).click();
    await expect(status).toContainText('Ready. No requests', READY);

    await page.getByRole('switch', { name: 'Only at certain hours' }).check();
    const time = (ahead: number) => {
      const date = new Date(Date.now() + ahead * 3_600_000);
      return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
    };
    await page.getByRole('textbox', { name: 'From' }).fill(time(2));
    await page.getByRole('textbox', { name: 'to', exact: true }).fill(time(3));
    await expect(status).toContainText(`It lends again at ${time(2)}`);
    await page.getByRole('switch', { name: 'Only at certain hours' }).uncheck();
    await expect(status).toContainText('Ready. No requests', READY);

    // Slowly enough that it is seen to finish.
    await page.getByRole('radio', { name: 'Gentle' }).check();
    const asking = await openPage(chromium, mesh.url);
    await tinyIsOffered(asking.page);
    await ask(asking.page, longest.question);
    await page.getByRole('button', { name: 'Finish this, then stop' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Finishing, then it stops.');
    // Whoever comes now is not taken.
    await expect(asking.page.getByRole('combobox', { name: 'Model' })).toContainText(/nobody/i);
    await expect(await answered(asking.page)).toContainText(longest.answer);
    await expect(status).toContainText('Off');
    await page.getByText('The last 1 answer').click();
    await expect(page.getByRole('row', { name: /llmesh-tiny.*whole/ })).toBeVisible();
    expect([...errors, ...asking.errors]).toEqual([]);
    for (const one of [page, asking.page]) await one.context().close();
  },
);
