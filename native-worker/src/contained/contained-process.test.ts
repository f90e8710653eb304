import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { FROM_SOURCE } from '../testing/process.ts';
import { ContainedProcess } from './contained-process.ts';
import type { Job } from './jobs.ts';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';
import { USUAL } from '@llmesh/core/engine/chat-traits';

/** On a busy computer llama.cpp takes its time to start, and some of these start it twice. */
const STARTS_MS = 120_000;
const hello = [{ turns: [{ role: 'user' as const, content: 'Hello' }] }];
const render = (template: string): Job => ({
  kind: 'render',
  template,
  traits: USUAL,
  conversations: hello,
  tokens: { bos: '', eos: '' },
});
/** It fills the memory within one step of the interpreter, which counts it only afterwards. */
const FILLS_THE_MEMORY = "{{ ('é\\né' | indent(500000000))[:1] }}";
const grammar = (text: string): Job => ({ kind: 'grammar', grammar: text, delivered: '' });
/** The number of ways to read it doubles with each bracket. */
const DOUBLES: Job = {
  kind: 'grammar',
  grammar: 'root ::= "[" root "]" | "[" root "]" | "1"',
  delivered: '['.repeat(40),
};

describe('ContainedProcess', () => {
  const templates = new ContainedProcess('templates');
  afterAll(() => templates.close());

  it('runs jobs one after the other, in a process that stays', async () => {
    expect(templates.pid).toBeNull();
    const texts = await Promise.all([1, 2, 3].map(() => templates.run(render(CHATML_TEMPLATE))));
    expect(texts).toEqual([1, 2, 3].map(() => ['<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n']));
    const { pid } = templates;
    await templates.run(render('{{ messages[0].content }}'));
    expect(templates.pid).toBe(pid);
    expect(pid).not.toBe(process.pid);
  });

  it('fails a job as the job failed, and continues', async () => {
    await expect(templates.run(render('{% for %}'))).rejects.toMatchObject({ code: 'model_unreadable' });
    const { pid } = templates;
    await templates.run(render(CHATML_TEMPLATE));
    expect(templates.pid).toBe(pid);
  });

  it('ends what fills the memory, and runs the next job in another process', async () => {
    const { pid } = templates;
    const [bomb, next] = await Promise.allSettled([
      templates.run(render(FILLS_THE_MEMORY)),
      templates.run(render(CHATML_TEMPLATE)),
    ]);
    expect(bomb).toMatchObject({ status: 'rejected' });
    expect(next).toMatchObject({ status: 'fulfilled' });
    expect(templates.pid).not.toBe(pid);
  });

  it(
    'stops waiting when it is told to',
    async () => {
      const stop = new AbortController();
      const waits = templates.run(render(CHATML_TEMPLATE), stop.signal);
      stop.abort();
      await expect(waits).rejects.toMatchObject({ code: 'cancelled' });
    },
    STARTS_MS,
  );

  it.each([
    ['is at what never ends', `await llama.run(${JSON.stringify(grammar('root ::= "a"'))});`],
    ['still starts', ''],
  ])(
    'ends with the process that started it, though that is killed while it %s',
    async (_, first) => {
      const module = fileURLToPath(new URL('contained-process.ts', import.meta.url));
      const program = `
      import { ContainedProcess } from ${JSON.stringify(module)};
      const llama = new ContainedProcess('llama');
      ${first}
      void llama.run(${JSON.stringify(DOUBLES)}).catch(() => {});
      console.log(llama.pid);
      setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);`;
      const parent = spawn(process.execPath, [...FROM_SOURCE, '--input-type=module', '-e', program], {
        cwd: fileURLToPath(new URL('../../../', import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(line.toString());
      await once(parent, 'exit');
      await expect.poll(() => isRunning(pid), { timeout: STARTS_MS / 2, interval: 100 }).toBe(false);
    },
    STARTS_MS,
  );
});

/** A process that ended, but that its parent has not collected yet, does not count. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
