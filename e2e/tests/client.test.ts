/** The README's example, with only the address changed: in Node, and bundled for a browser. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from '@playwright/test';
import { build } from 'vite';
import { ROOT } from '../src/processes.ts';
import { plain } from '../src/questions.ts';
import { onCommonMesh as test } from '../src/visit.ts';

const { question, answer } = plain.find((one) => one.question === 'What is LLMesh?')!;
const NAME = 'client-example.js';

function example(mesh: string): string {
  const code =
    /```js\n(import \{ connect \}[\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(15);
  expect(code).toContain(question);
  return code.replace('http://localhost:7070', mesh);
}

test('a program in Node asks the mesh, and ends on its own', async ({ mesh }) => {
  const options = ['--import', 'tsx', '--conditions=@llmesh/source', '--input-type=module', '-e', example(mesh.url)];
  const { stdout } = await promisify(execFile)(process.execPath, options, { cwd: ROOT, timeout: 60_000 });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toMatch(/^by [a-z2-7]{20,}, \d+ tokens$/);
  expect(lines.slice(0, -1).join('')).toBe(answer);
});

test('a page of somebody else asks the mesh with the same lines', { tag: '@wide' }, async ({ mesh, visit }) => {
  const { page } = await visit();
  const said: string[] = [];
  page.on('console', (message) => message.type() === 'log' && said.push(message.text()));
  const bundle = await bundled(example(mesh.url));
  await page.route(`**/${NAME}`, (route) => route.fulfill({ contentType: 'text/javascript', body: bundle }));
  await page.addScriptTag({ type: 'module', url: `/${NAME}` });
  await expect.poll(() => said.at(-1), { timeout: 20_000 }).toMatch(/^by /);
  expect(said.slice(0, -1).join('')).toBe(answer);
});

async function bundled(code: string): Promise<string> {
  const entry = `virtual:${NAME}`;
  const built = await build({
    root: join(ROOT, 'e2e'),
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@llmesh/source', 'browser', 'module', 'import', 'default'] },
    build: { write: false, target: 'esnext', rolldownOptions: { input: entry, output: { codeSplitting: false } } },
    plugins: [
      {
        name: 'example',
        resolveId: (id) => (id === entry ? join(ROOT, 'e2e', NAME) : null),
        load: (id) => (id === join(ROOT, 'e2e', NAME) ? code : null),
      },
    ],
  });
  const { output } = (Array.isArray(built) ? built[0]! : built) as { output: { code?: string }[] };
  return output[0]?.code ?? '';
}
