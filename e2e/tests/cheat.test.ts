/**
 * A worker lends another file under a good file's name. It answers somebody on the page until others with the good file come; they read its
 * answers, nobody is sent to it any more, and the page says why. Everything is a process of its own.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import * as v from 'valibot';
import { AuditsSchema } from '@llmesh/core/wire/api-pages';
import { peerName } from '@llmesh/core/identity/names';
import { digestFile, rememberHash } from 'llmesh/files/file-hash';
import { openIdentity } from 'llmesh/node/identity-file';
import { worseModel } from 'llmesh/testing/worse-model';
import { answered, ask, lastAnswer, modelPicker } from '../src/chat.ts';
import { startMesh } from '../src/mesh.ts';
import { look } from '../src/pictures.ts';
import { ROOT, startProgram, type Running } from '../src/processes.ts';
import { known } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const TINY = join(ROOT, 'models/tiny/llmesh-tiny.gguf');
/** No model that is known, whose answers would be tried before it is lent. */
const NAME = 'good-model';
/** Its answers before there is anybody who could check them. */
const ANSWERS = 5;
/** Long enough for the others to come. Then one draw decides about all of these answers. */
const EPOCH_MS = 100_000;
const never = new AbortController().signal;

test(
  'a worker with another file under a good name is quarantined within a few answers, and the page says why',
  { tag: '@wide' },
  async ({ commonBrowsers }) => {
    test.setTimeout(600_000);
    const root = await mkdtemp(join(tmpdir(), 'llmesh-cheat-'));
    const good = join(root, 'good.gguf');
    await writeFile(good, worseModel(await readFile(TINY), 4_001));
    const sha256 = await digestFile(good, never);
    const people = ['cheat', 'ada', 'bob'] as const;
    const ids = Object.fromEntries(
      await Promise.all(
        people.map(async (name) => {
          const data = join(root, name);
          const self = await openIdentity(data);
          await self.close();
          const file = join(data, `${NAME}.gguf`);
          if (name === 'cheat') await writeFile(file, worseModel(await readFile(good), 7));
          else await copyFile(good, file);
          await rememberHash(file, data, sha256);
          return [name, self.identity.peerId] as const;
        }),
      ),
    ) as Record<(typeof people)[number], Awaited<ReturnType<typeof openIdentity>>['identity']['peerId']>;
    const mesh = await startMesh({
      LLMESH_RELAY_LINKS: '100',
      LLMESH_AUDIT_SHARE: '1',
      LLMESH_AUDIT_EPOCH_MS: String(EPOCH_MS),
      LLMESH_AUDITORS: [ids.ada, ids.bob].join(),
    });
    const workers: Running[] = [];
    const lend = async (name: (typeof people)[number]) => {
      const data = join(root, name);
      const lent = [
        'worker',
        '--model',
        join(data, `${NAME}.gguf`),
        '--mesh',
        mesh.url,
        '--gpu',
        'off',
        '--threads',
        '1',
      ];
      // What this computer is short of just now is not what this is about.
      const machine = { LLMESH_MACHINE_ROOT: data };
      workers.push(await startProgram('native-worker/src/main.ts', [...lent, '--data', data, '--json'], machine));
    };
    try {
      await lend('cheat');
      const browser = await commonBrowsers.get('chromium');
      const context = await browser.newContext({ serviceWorkers: 'block', reducedMotion: 'reduce' });
      const page = await context.newPage();
      await page.goto(mesh.url);
      await expect(modelPicker(page)).toContainText(/1 volunteer/, { timeout: 60_000 });
      for (const { question } of known.slice(0, ANSWERS)) {
        await ask(page, question);
        await answered(page);
      }
      await Promise.all([lend('ada'), lend('bob')]);
      const mark = lastAnswer(page).getByText('Checked: deviates');
      await expect(mark).toBeVisible({ timeout: EPOCH_MS + 120_000 });
      const keptAway = async () => {
        const audits = v.parse(AuditsSchema, await (await fetch(`${mesh.url}/api/audits`)).json());
        return audits.quarantined + audits.convicted;
      };
      await expect.poll(keptAway, { timeout: 60_000 }).toBe(1);

      await mark.click();
      await expect(lastAnswer(page)).toContainText(`${peerName(ids.cheat)} may run another model, or has a fault`);
      await expect(lastAnswer(page)).toContainText('an honest volunteer looks like this at most once in');
      await look(page, 'deviates');
      // Strangers are sent to the others only.
      await ask(page, known[ANSWERS]!.question);
      await answered(page);
      await expect(lastAnswer(page)).not.toContainText(peerName(ids.cheat));
      await page.goto(`${mesh.url}/network`);
      await expect(page.getByRole('region', { name: 'Answers checked' })).toContainText(
        '1 volunteer gets no questions from strangers.',
      );
      await look(page, 'kept-away');
      await context.close();
    } finally {
      for (const worker of workers) await worker.stop();
      await mesh.stop();
      await rm(root, { recursive: true });
    }
  },
);
