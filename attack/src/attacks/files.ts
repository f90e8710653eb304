/** Model files that somebody was talked into downloading: headers and templates that cost more than the model. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GGUF_BOMBS } from 'llmesh/testing/gguf-bombs';
import { outcome, seconds, type Attack, type Scene } from '../attack.ts';
import { Program, processesUnder, residentMb } from '../program.ts';
import { TINY_FILE } from '../target.ts';

/** A worker with the tiny model takes about half of it. */
const MAX_MB = 700;
const PATIENCE_MS = 25_000;
const ENDS_WITHIN_MS = 5_500;
/** A start takes some seconds; the reader's own tests look at every one. */
const TRIED = 20;

async function bombs({ target, scale }: Scene) {
  const tiny = new Uint8Array(await readFile(TINY_FILE));
  const facts: [boolean, string][] = [];
  let worstMb = 0;
  let slowestMs = 0;
  const every = Math.max(1, Math.round(GGUF_BOMBS.length / (TRIED * scale)));
  const tried = GGUF_BOMBS.filter((_bomb, i) => i % every === 0);
  for (const { name, make } of tried) {
    const file = join(target.folder, `${name.replaceAll(/\W+/g, '-')}.gguf`);
    await writeFile(file, make(tiny));
    const args = [
      'native-worker/src/main.ts',
      'worker',
      '--model',
      file,
      '--mesh',
      target.url,
      '--on-battery',
      '--json',
    ];
    const worker = new Program([...args, '--threads', '1', '--data', join(target.folder, 'bombed')], { name });
    target.others.push(worker);
    let peakMb = 0;
    const timer = setInterval(() => {
      const family = [...processesUnder(worker.process.pid ?? 0)];
      peakMb = Math.max(peakMb, ...family.map(residentMb));
    }, 100);
    const beganMs = performance.now();
    // It either says that the file is unusable, or lends the model, but does not hang.
    const spoke = worker.says((line) => line['ready'] === true || 'error' in line, PATIENCE_MS);
    const said = await spoke.then(
      () => true,
      () => !worker.alive,
    );
    const ms = performance.now() - beganMs;
    const endedMs = await worker.stop(ENDS_WITHIN_MS);
    clearInterval(timer);
    worstMb = Math.max(worstMb, peakMb);
    slowestMs = Math.max(slowestMs, ms);
    if (!said || endedMs === null || peakMb > MAX_MB)
      facts.push([
        false,
        `${name}: ${said ? 'spoke' : 'silent'} after ${seconds(ms)}, ${Math.round(peakMb)} MB, ${endedMs === null ? 'ignores SIGTERM' : 'ended'}`,
      ]);
  }
  return outcome([
    [
      facts.length === 0,
      `${tried.length - facts.length} of ${tried.length} files refused or contained, the slowest in ${seconds(slowestMs)}, ${Math.round(worstMb)} MB at most`,
    ],
    ...facts,
  ]);
}

export const files: readonly Attack[] = [
  {
    name: 'model files that are bombs',
    before: 'running for ever at 1 to 2.5 GB, deaf to SIGTERM',
    bound: 'a bounded reader first; templates and llama.cpp’s own reading where they can be killed',
    mesh: { workers: 1, gateway: false },
    quick: false,
    run: bombs,
  },
];
