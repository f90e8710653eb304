/** The same programs in Node, in Chromium and in Firefox: they must take the same gas, and bring the same bytes. */
import { build } from 'esbuild';
import { join } from 'node:path';
import { launch, type BrowserName } from '@llmesh/e2e/browsers';
import { randomProgram } from './random-programs.ts';
import { runPrograms } from './run-programs.ts';

/** A browser gets so many at a time. */
const BATCH = 50;

/** How many were the same in all three. What was not is told. */
export async function samePrograms(count: number): Promise<number> {
  const programs = Array.from({ length: count }, (_, seed) => randomProgram(seed));
  const here = await runPrograms(programs);
  const ends = new Map<string, number>();
  for (const ran of here) ends.set(ran.split(' ')[0] ?? '', (ends.get(ran.split(' ')[0] ?? '') ?? 0) + 1);
  process.stdout.write(`${[...ends].map(([end, times]) => `${end} ${times}`).join(', ')}\n`);
  const script = await bundled();
  const there = await Promise.all((['chromium', 'firefox'] as const).map((name) => inBrowser(name, script, programs)));
  let same = 0;
  for (const [at, ran] of here.entries()) {
    if (there.every((one) => one[at] === ran)) same += 1;
    else process.stdout.write(`program ${at}: ${ran} | ${there.map((one) => one[at]).join(' | ')}\n`);
  }
  return same;
}

async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'programs-worker.ts')],
    ...{ bundle: true, write: false, format: 'iife', logLevel: 'silent' },
    conditions: ['@llmesh/source'],
  });
  return outputFiles[0]?.text ?? '';
}

async function inBrowser(name: BrowserName, script: string, programs: readonly Uint8Array[]): Promise<string[]> {
  const browser = await launch(name);
  try {
    const page = await browser.newPage();
    const ran: string[] = [];
    for (let at = 0; at < programs.length; at += BATCH) {
      const batch = programs.slice(at, at + BATCH).map((program) => Buffer.from(program).toString('base64'));
      const answers = await page.evaluate(
        ([code, texts]) =>
          new Promise<string[]>((resolve, reject) => {
            const worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
            worker.onmessage = ({ data }) => {
              worker.terminate();
              resolve(data as string[]);
            };
            worker.onerror = ({ message }) => reject(new Error(message));
            const decoded = texts.map((text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
            worker.postMessage({ programs: decoded });
          }),
        [script, batch] as const,
      );
      ran.push(...answers);
    }
    return ran;
  } finally {
    await browser.close();
  }
}
