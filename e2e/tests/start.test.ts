import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { askAll } from '../src/node-client.ts';
import { freePort, ROOT } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

interface Started {
  process: ChildProcess;
  output: () => string;
  ended: Promise<number | null>;
}

/** Runs `npm start` as a person types it, in a process group of its own as a terminal gives it. */
function npmStart(port: number, args: string[] = [], env: Record<string, string> = {}): Started {
  const child = spawn('npm', ['start', '--', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, PORT: String(port) },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return { process: child, output: () => output, ended: once(child, 'exit').then(([code]) => code as number | null) };
}

/** Ctrl-C reaches every process of the terminal's foreground group. */
function pressCtrlC({ process: child }: Started): void {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
}

test('npm start brings up a mesh that answers; a second one says that the port is taken; Ctrl-C ends all', async () => {
  test.setTimeout(180_000);
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const mesh = npmStart(port);
  try {
    await expect.poll(mesh.output, { timeout: 120_000 }).toContain(`LLMesh is ready: ${url}`);
    for (const { text, expected } of await askAll(url, plain.slice(0, 2))) expect(text).toBe(expected);
    expect((await fetch(url)).headers.get('cross-origin-embedder-policy')).toBe('require-corp');

    const [question] = plain;
    const answered = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'llmesh-tiny', messages: [{ role: 'user', content: question?.question }] }),
    });
    expect(await answered.json()).toMatchObject({ choices: [{ message: { content: question?.answer } }] });

    const second = npmStart(port);
    expect(await second.ended).not.toBe(0);
    const complaint = second
      .output()
      .split('\n')
      .filter((line) => line.includes(`Port ${port} is in use`));
    expect(complaint.length).toBe(1);
  } finally {
    pressCtrlC(mesh);
  }
  await mesh.ended;
  await expect(fetch(url)).rejects.toThrow();
  const orphans = spawn('pgrep', ['-f', `(mesh http://(localhost|127.0.0.1):${port}|--port ${port})`]);
  expect(await once(orphans, 'exit')).toEqual([1, null]);
});

test(
  'npm start on a computer short of memory (simulated) says that its provider pauses, and why',
  { tag: '@wide' },
  async () => {
    test.setTimeout(180_000);
    const port = await freePort();
    const root = test.info().outputPath('machine');
    mkdirSync(join(root, 'proc/pressure'), { recursive: true });
    writeFileSync(join(root, 'proc/pressure/memory'), 'full avg10=60.00 avg60=0.00 avg300=0.00 total=1\n');
    const mesh = npmStart(port, [], { LLMESH_MACHINE_ROOT: root, LLMESH_DATA: test.info().outputPath('data') });
    try {
      await expect.poll(mesh.output, { timeout: 120_000 }).toContain('still without a provider');
      expect(mesh.output()).toContain('The provider with the tiny model pauses. This computer is short of memory');
    } finally {
      pressCtrlC(mesh);
    }
    await mesh.ended;
  },
);

test('npm start -- --help explains itself', async () => {
  const help = npmStart(0, ['--help']);
  expect(await help.ended).toBe(0);
  for (const word of ['PORT', 'HOST', 'LLMESH_DATA', '--model']) expect(help.output()).toContain(word);
});
