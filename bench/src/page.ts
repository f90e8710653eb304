/**
 * What a long history costs the page: a conversation of 2,000 answers opened, streamed into while the next question is typed, and
 * searched for among a thousand others; beside the same words in a plain `<pre>`, in the same browser and the same run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { launch } from '@llmesh/e2e/browsers';
import { ask, log, message } from '@llmesh/e2e/chat';
import { keyTimes, untilShown, watchFrames } from '@llmesh/e2e/frames';
import { writeTalks } from '@llmesh/e2e/long-talk';
import { startMesh } from '@llmesh/e2e/mesh';
import { openPlainPage } from '@llmesh/e2e/plain-page';
import { ROOT } from '@llmesh/e2e/processes';
import { openScriptedVolunteer } from '@llmesh/e2e/scripted-volunteer';
import { percentile } from './statistics.ts';

const TOKENS = 300;
const TOKENS_A_SECOND = 60;
const TITLE = 'The long one about everything';
const TYPED = 'and what of the lamp then?';
const SEARCHED = ['copper river', 'memory of', 'lámp', 'nothing like it'];
/** On a busy machine. */
const PATIENCE_MS = 120_000;
/** An interaction that the browser reports no time of took less than this. */
const SHORTEST_REPORTED_MS = 16;

export interface PageOptions {
  answers: number;
  conversations: number;
  rounds: number;
}

export interface PageResult {
  bench: 'page';
  open2000Ms: number;
  framesOver50Ms: number;
  searchKeyMsP95: number;
  inpMsP95: number;
  firstLoadJsKB: number;
  lostTurns: number;
}

export async function page({ answers, conversations, rounds }: PageOptions): Promise<PageResult> {
  const mesh = await startMesh();
  const browser = await launch('chromium');
  const words = streamed();
  const volunteer = await openScriptedVolunteer(mesh.url, {
    name: 'Scripted words',
    contextTokens: 8192,
    speed: TOKENS_A_SECOND,
    answer: () => ({ words, promptTokens: 100 }),
  });
  try {
    const context = await browser.newContext({ serviceWorkers: 'block', viewport: { width: 1440, height: 900 } });
    const visited = await context.newPage();
    const others = Array.from({ length: conversations }, (_, i) => ({
      title: `Talk ${i} of many`,
      answers: 4,
      age: 2,
    }));
    const [long] = await writeTalks(visited, mesh.url, [{ title: TITLE, answers }, ...others]);
    const lastWords = `Answer ${answers}.`;
    const figures = { open: [] as number[], late: [] as number[], longest: [] as number[], reactions: [] as number[] };
    const floor = { open: [] as number[], late: [] as number[] };
    const keys: number[] = [];
    let kept = answers * 2;
    for (let round = 1; round <= rounds; round++) {
      const plain = await openPlainPage(browser, long!.texts.join('\n\n'), lastWords);
      floor.open.push(plain.openMs);
      floor.late.push((await plain.stream(words, TOKENS_A_SECOND)).framesOver50Ms);
      await plain.close();

      await visited.goto(mesh.url);
      const shownAtLast = round === 1 ? lastWords : words.at(-1)!;
      const opens = visited.getByRole('link', { name: TITLE, exact: true });
      figures.open.push(await untilShown(opens, '[role=log]', shownAtLast));

      await ask(visited, 'Say it all.');
      await log(visited)
        .getByRole('article', { name: /still writing/ })
        .waitFor();
      const noticed = await watchFrames(visited);
      await message(visited).pressSequentially(TYPED, { delay: 100, timeout: PATIENCE_MS });
      await ended(visited, words.at(-1)!);
      const { framesOver50Ms, longestFrameMs, reactionsMs, frames } = await noticed();
      figures.late.push(framesOver50Ms);
      figures.longest.push(longestFrameMs);
      const unreported = Math.max(0, TYPED.length - reactionsMs.length);
      figures.reactions.push(...reactionsMs, ...Array<number>(unreported).fill(SHORTEST_REPORTED_MS));
      await message(visited).fill('');
      kept += 2;

      keys.push(...(await searchKeys(visited)));
      process.stdout.write(
        `round ${round}: open ${figures.open.at(-1)!.toFixed(0)} ms (plain ${plain.openMs.toFixed(0)}), ` +
          `${framesOver50Ms} of ${frames} frames over 50 ms (plain ${floor.late.at(-1)}), longest ${longestFrameMs} ms\n`,
      );
    }
    const shown = await turnsShown(visited);
    process.stdout.write(
      `plain: open ${percentile(floor.open, 50)} ms, ${percentile(floor.late, 50)} frames over 50 ms; ` +
        `search: p50 ${percentile(keys, 50)} ms, longest ${Math.max(...keys).toFixed(0)} ms of ${keys.length} keys\n`,
    );
    return {
      bench: 'page',
      open2000Ms: Math.round(percentile(figures.open, 50)),
      framesOver50Ms: percentile(figures.late, 50),
      searchKeyMsP95: Math.round(percentile(keys, 95)),
      inpMsP95: Math.round(percentile(figures.reactions, 95)),
      firstLoadJsKB: firstLoadKb(),
      lostTurns: kept - shown,
    };
  } finally {
    await volunteer.close();
    await browser.close();
    await mesh.stop();
  }
}

/**
 * Resolves when the answer that ends so is written. Looks twice a second and takes the least of the page's time: what `expect` notes
 * of the whole page at each look in vain takes several frames, which would be counted as the page's own.
 */
async function ended(visited: Page, lastWords: string): Promise<void> {
  await visited.waitForFunction(
    (words) => {
      const answer = [...document.querySelectorAll('[role=log] article')].at(-1);
      return answer?.getAttribute('aria-busy') === 'false' && answer.textContent.includes(words);
    },
    lastWords,
    { polling: 500, timeout: PATIENCE_MS },
  );
}

/** Milliseconds from each key in the search box to the frame with what it finds. */
async function searchKeys(visited: Page): Promise<number[]> {
  const box = visited.getByRole('searchbox', { name: 'Search conversations' });
  // The index is built when the box is entered; keys that come before it is whole find less, and are not measured.
  await box.fill('engine');
  await visited.locator('.talks__list[aria-busy=false]').waitFor();
  await box.fill('');
  const keys: number[] = [];
  for (const words of SEARCHED) keys.push(...(await keyTimes(visited, 'input[type=search]', words)));
  return keys;
}

/** How many turns the open conversation has, after it was read back from the store. */
async function turnsShown(visited: Page): Promise<number> {
  await visited.reload();
  await visited.getByRole('link', { name: TITLE, exact: true }).click();
  await log(visited).locator('.rows[aria-busy=false]').waitFor();
  const row = log(visited).getByRole('listitem').last();
  return Number(await row.getAttribute('aria-setsize'));
}

function streamed(): string[] {
  const words = Array.from({ length: TOKENS - 1 }, (_, i) =>
    i % 60 === 59 ? 'here.\n\n' : i % 20 === 19 ? '**so**\n' : 'word ',
  );
  return [...words, 'The-very-end.'];
}

/** As `npm run check` counts it. */
function firstLoadKb(): number {
  const dist = join(ROOT, 'web/dist');
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  const scripts = new Set([...html.matchAll(/(?:src|href)="\/?([^"]+\.js)"/g)].map((match) => match[1]!));
  const bytes = [...scripts].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).byteLength, 0);
  return Math.round(bytes / 100) / 10;
}
