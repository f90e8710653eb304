/** A volunteer on web-llm among others: people who wait in its line, answers that nobody wants any more, a tab put to sleep, and its end. */
import { expect, type Page } from '@playwright/test';
import type { AnswerEvent } from '@llmesh/core/ask/answer';
import type { ModelId } from '@llmesh/core/base/ids';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { launchToKill, openPage, type Computer } from '../src/browsers.ts';
import { startMesh, type TestMesh } from '../src/mesh.ts';
import { known, longest, type Known } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const ASK_MS = 90_000;
const brief = known.filter(({ answer }) => answer.length > 60 && answer.length < 80).slice(0, 3);

let mesh: TestMesh;
let volunteer: Computer;
let lending: Page;
let errors: string[];
let asker: Awaited<ReturnType<typeof openMeshNode>>;
test.describe.configure({ mode: 'serial' });
test.beforeAll(async () => {
  test.setTimeout(180_000);
  mesh = await startMesh();
  volunteer = await launchToKill('with WebGPU');
  ({ page: lending, errors } = await openPage(volunteer.browser, `${mesh.url}/donate`));
  await lending.getByRole('button', { name: 'Start donating' }).click();
  await expect(status()).toHaveAttribute('data-phase', 'waiting', { timeout: 120_000 });
  await expect(status()).toContainText('It runs on a graphics card');
  asker = await openMeshNode(new URL(mesh.url));
});
test.afterAll(async () => {
  await asker?.close();
  releaseMeshNodes();
  await volunteer?.kill();
  await mesh?.stop();
});
test.beforeEach(() => test.setTimeout(120_000));

const status = () => lending.getByRole('status', { name: 'Provider status' });

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
  const phases = await lending.evaluateHandle(() => {
    const seen: (string | undefined)[] = [];
    const shown = document.querySelector<HTMLElement>('[data-phase]');
    if (shown !== null)
      new MutationObserver(() => seen.push(shown.dataset['phase'])).observe(shown, { attributes: true });
    return seen;
  });
  const unwanted = new AbortController();
  let pieces = 0;
  const stopped = say(longest, ({ type }) => type === 'piece' && ++pieces === 3 && unwanted.abort(), unwanted.signal);
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
  await expect(status()).toHaveAttribute('data-phase', 'waiting');
  for (const one of brief.slice(0, 1)) expect(await say(one)).toBe(one.answer);
  await expect(status()).toHaveAttribute('data-phase', 'waiting');
  expect(new Set(await phases.jsonValue())).toEqual(new Set(['serving', 'waiting']));
});

test('a tab that the browser puts to sleep takes its offer back, and answers again when it wakes', async () => {
  const cdp = await lending.context().newCDPSession(lending);
  await cdp.send('Page.setWebLifecycleState', { state: 'frozen' });
  await expect.poll(lenders, { timeout: 30_000 }).toBe(0);
  await cdp.send('Page.setWebLifecycleState', { state: 'active' });
  await expect.poll(lenders, { timeout: 30_000 }).toBe(1);
  for (const one of brief.slice(1, 2)) expect(await say(one)).toBe(one.answer);
});

test('when its computer is switched off in mid-answer, llama.cpp goes on behind its last word', async () => {
  // There is time to go.
  await lending.getByRole('radio', { name: 'Gentle' }).check();
  expect(errors).toEqual([]);
  let begun = () => {};
  const some = new Promise<void>((resolve) => (begun = resolve));
  const seams: unknown[] = [];
  let pieces = 0;
  const whole = say(longest, (event) => {
    if (event.type === 'piece' && ++pieces === 4) begun();
    if (event.type === 'resumed') seams.push(event.seam.sameFile);
  });
  await some;
  await mesh.addWorker();
  await expect.poll(lenders, { timeout: 30_000 }).toBe(2);
  await volunteer.kill();
  expect(await whole).toBe(longest.answer);
  expect(seams).toEqual([true]);
});
