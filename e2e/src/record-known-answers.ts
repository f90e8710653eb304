/**
 * Asks models of the catalogue the quiz of the self-test, in the page's own engine on this computer, and keeps what they
 * wrote in `models/known-answers.json`. Look at the answers before you commit them: this computer is taken for right.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LONG_QUESTION, passes, QUIZ } from '@llmesh/core/engine/quiz';
import {
  MAX_RECORDED_CHARACTERS,
  withRun,
  type RecordedAnswers,
  type RecordedRun,
} from '@llmesh/core/engine/recorded-answers';
import { textOf } from '@llmesh/core/suites/continuation';
import type { CatalogueModel } from '@llmesh/core/policy/catalogue';
import type { Browser } from '@playwright/test';
import { launch } from './browsers.ts';
import { startMesh } from './mesh.ts';
import { openPageEngine } from './page-engine.ts';
import { ROOT } from './processes.ts';

const FILE = join(ROOT, 'models/known-answers.json');
const ENGINES = { mlc: '@mlc-ai/web-llm', gguf: '@wllama/wllama' } as const;
const USAGE =
  'node scripts/record-known-answers.mjs MODEL... [--mirror URL]: ids of the catalogue, such as llama-3.2-1b-mlc-q4f16.';

const { models } = readJson('models/catalogue.json') as { models: CatalogueModel[] };
const { ids, mirror } = options(process.argv.slice(2));
const unknown = ids.filter((id) => !models.some((model) => model.id === id));
if (ids.length === 0 || unknown.length > 0) {
  process.stderr.write(`${unknown.map((id) => `${id} is not in the catalogue.\n`).join('')}${USAGE}\n`);
  process.exit(1);
}
const mesh = await startMesh();
const browser = await launch('chromium');
try {
  for (const model of models.filter(({ id }) => ids.includes(id))) {
    const run = await recorded(browser, mesh.url, model);
    for (const { question, text } of run.answers) process.stdout.write(`${model.id}: ${question}\n  ${text}\n`);
    writeFileSync(
      FILE,
      `${JSON.stringify(withRun(readJson('models/known-answers.json') as RecordedAnswers, run), null, 2)}\n`,
    );
  }
} finally {
  await browser.close();
  await mesh.stop();
}

/** Rejects when the model does not pass by what every model for chat knows: such answers are no measure for others. */
async function recorded(on: Browser, url: string, model: CatalogueModel): Promise<RecordedRun> {
  const engine = await openPageEngine(on, url, model.id, mirror);
  try {
    const answers = [];
    for (const asked of [...QUIZ, LONG_QUESTION]) {
      const turns = [{ role: 'user' as const, content: asked.question }];
      const { pieces } = await engine.run({ turns, sampling: { temperature: 0 }, maxTokens: asked.maxTokens });
      answers.push({ asked, text: textOf(pieces) });
    }
    if (!passes(answers, { instructed: true, recorded: [] })) {
      throw new Error(`${model.id} does not pass here:\n${answers.map(({ text }) => `  ${text}`).join('\n')}`);
    }
    return {
      model: model.id,
      engine: engineOf(model),
      device: await engine.device(),
      answers: answers.map(({ asked, text }) => ({
        question: asked.question,
        text: text.slice(0, MAX_RECORDED_CHARACTERS),
      })),
    };
  } finally {
    await engine.close();
  }
}

/** With its version. */
function engineOf({ format }: CatalogueModel): string {
  const name = ENGINES[format];
  const { resolve } = createRequire(join(ROOT, 'web/package.json'));
  const folder = resolve(name).split(`/${name}/`)[0] ?? '';
  const { version } = JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string };
  return `${name.split('/').at(-1)} ${version}`;
}

function options(args: readonly string[]): { ids: string[]; mirror: string | null } {
  const at = args.indexOf('--mirror');
  const ids = at === -1 ? [...args] : args.filter((_, i) => i !== at && i !== at + 1);
  return { ids, mirror: at === -1 ? null : (args[at + 1] ?? null) };
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, file), 'utf8'));
}
