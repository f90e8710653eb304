/** A volunteer on web-llm among others: people who wait in its line, answers that nobody wants any more, a tab put to sleep, and its end. */
import { expect } from '@playwright/test';
import type { AnswerEvent } from '@llmesh/core/ask/answer';
import type { ModelId } from '@llmesh/core/base/ids';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { known, longest, type Known } from '../src/questions.ts';
import { test } from '../src/visit.ts';
import { openWatchedTab, type WatchedTab } from '../src/watched-tab.ts';

const ASK_MS = 90_000;
const brief = known.filter(({ answer }) => answer.length > 60 && answer.length < 80).slice(0, 3);

let mesh: TestMesh;
let volunteer: WatchedTab;
let asker: Awaited<ReturnType<typeof openMeshNode>>;
test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  test.setTimeout(180_000);
  mesh = await startMesh();
  volunteer = await openWatchedTab(async (page) => {
    await page.goto(`${mesh.url}/donate`);
    await page.getByRole('button', { name: 'Start donating' }).click();
    const status = page.getByRole('status', { name: 'Provider status' });
    await expect(status).toHaveAttribute('data-phase', 'waiting', { timeout: 120_000 });
    await expect(status).toContainText('It runs on a graphics card');
  });
  asker = await openMeshNode(new URL(mesh.url));
});
test.afterAll(async () => {
  await asker?.close();
  releaseMeshNodes();
  await volunteer?.close();
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(120_000));

const phase = () => volunteer.evaluate('document.querySelector("[data-phase]").dataset.phase');

/** Asks, and takes down what is heard until the answer is whole. `heard` may stop it. */
async function say(
  { question }: Known,
  heard: (event: AnswerEvent) => void = () => {},
  signal: AbortSignal = AbortSignal.timeout(ASK_MS),
): Promise<string> {
  const turns = [{ role: 'user' as const, content: question }];
  const model = 'llmesh-tiny' as ModelId;
  let text = '';
  for await (const event of asker.mesh.ask(
    { model, turns, sampling: { temperature: 0 }, maxTokens: 1024, only: null },
    signal,
  )) {
    if (event.type === 'piece') text += event.text;
    heard(event);
  }
  return text;
}

async function lenders(): Promise<number> {
  const { models } = (await (await fetch(`${mesh.url}/api/models`)).json()) as { models: { providers: number }[] };
  return models[0]?.providers ?? 0;
}

test('those who come while it answers wait in line, and each gets its own answer', async () => {
  let waited = 0;
  const texts = await Promise.all(
    brief.map((one) =>
      say(one, (event) => {
        if (event.type === 'queued' || (event.type === 'accepted' && event.ahead > 0)) waited += 1;
      }),
    ),
  );
  expect(texts).toEqual(brief.map(({ answer }) => answer));
  expect(waited).toBeGreaterThan(0);
});

test('it stops an answer that nobody wants any more within a few tokens, and answers the next without starting again', async () => {
  await volunteer.evaluate(`{
    globalThis.phases = [];
    const status = document.querySelector('[data-phase]');
    new MutationObserver(() => phases.push(status.dataset.phase)).observe(status, { attributes: true });
  }`);
  const unwanted = new AbortController();
  let pieces = 0;
  const stopped = say(longest, ({ type }) => type === 'piece' && ++pieces === 3 && unwanted.abort(), unwanted.signal);
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  await expect.poll(phase).toBe('waiting');
  for (const one of brief.slice(0, 1)) expect(await say(one)).toBe(one.answer);
  await expect.poll(phase).toBe('waiting');
  expect(await volunteer.evaluate('[...new Set(phases)].sort()')).toEqual(['serving', 'waiting']);
});

test('a tab that the browser puts to sleep takes its offer back, and answers again when it wakes', async () => {
  await volunteer.hide();
  await volunteer.freeze();
  await expect.poll(lenders, { timeout: 30_000 }).toBe(0);
  await volunteer.wake();
  await expect.poll(lenders, { timeout: 30_000 }).toBe(1);
  for (const one of brief.slice(1, 2)) expect(await say(one)).toBe(one.answer);
});

test('when its computer is switched off in mid-answer, llama.cpp goes on behind its last word', async () => {
  // The worker sleeps when the question is asked, so that the volunteer answers, and so slowly that there is time to go.
  const worker = await mesh.addWorker();
  worker.process.kill('SIGSTOP');
  await expect.poll(lenders, { timeout: 30_000 }).toBe(1);
  await volunteer.evaluate('document.querySelector("input[value=gentle]").click()');
  let begun = () => {};
  const some = new Promise<void>((resolve) => (begun = resolve));
  const seams: unknown[] = [];
  let pieces = 0;
  const whole = say(longest, (event) => {
    if (event.type === 'piece' && ++pieces === 4) begun();
    if (event.type === 'resumed') seams.push(event.seam.sameFile);
  });
  await some;
  worker.process.kill('SIGCONT');
  await expect.poll(lenders, { timeout: 30_000 }).toBe(2);
  await volunteer.close();
  expect(await whole).toBe(longest.answer);
  expect(seams).toEqual([true]);
});
