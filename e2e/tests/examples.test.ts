/** The programs of `examples/`, as they stand there, against a whole mesh. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@playwright/test';
import { writeEmbedder } from 'llmesh/testing/embedder-gguf';
import { createServer } from 'vite';
import { ROOT } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { test } from '../src/visit.ts';

const { question, answer } = plain.find((one) => one.question === 'What is LLMesh?')!;
const run = promisify(execFile);

/** What it printed, once it ended by itself. */
async function printed(program: string, mesh: string, ...args: string[]): Promise<string> {
  const node = ['--import', 'tsx', '--conditions=@llmesh/source', join('examples', program), ...args];
  const env = { ...process.env, MESH: mesh, FORCE_COLOR: '0' };
  return (await run(process.execPath, node, { cwd: ROOT, env, timeout: 60_000 })).stdout;
}

test('the examples in Node chat, fill in a form, and search by meaning', { tag: '@wide' }, async ({ mesh }) => {
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-examples-'));
  try {
    await Promise.all([mesh.addWorker(), mesh.addWorker('--model', writeEmbedder(join(folder, 'embedder.gguf')))]);
    const [chat, structured, search] = await Promise.all([
      printed('chat.mjs', mesh.url, question),
      printed('structured.mjs', mesh.url, 'Vienna'),
      printed('search.mjs', mesh.url, 'A newt hides under the wet leaves.'),
    ]);
    expect(chat.slice(0, answer.length)).toBe(answer);
    expect(chat.slice(answer.length)).toMatch(/^\n\nby [a-z2-7]{20,}, \d+ tokens\n$/);
    expect(structured).toMatch(/river: .*climate: '(cold|mild|hot)'.*capital: (true|false)/s);
    const found = search.trimEnd().split('\n');
    expect(found[0]).toBe('1.000 A newt hides under the wet leaves.');
    expect(found).toHaveLength(4);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the example in a browser asks from a page of its own', { tag: '@wide' }, async ({ mesh, visit }) => {
  await mesh.addWorker();
  const { page, errors } = await visit();
  process.env['MESH'] = mesh.url;
  const server = await createServer({ root: join(ROOT, 'examples', 'page'), logLevel: 'error', server: { port: 0 } });
  try {
    await server.listen();
    await page.goto(server.resolvedUrls!.local[0]!);
    await page.getByRole('button', { name: 'Ask' }).click();
    await expect(page.getByRole('status')).toHaveText(answer, { timeout: 30_000 });
    expect(errors).toEqual([]);
  } finally {
    await server.close();
  }
});
