/** The command itself, in a home folder of its own; systemctl is stood in for by a script that writes down its orders. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Running } from '../testing/process.ts';

const home = mkdtempSync(path.join(os.tmpdir(), 'llmesh-service-'));
const tools = path.join(home, 'bin');
const orders = path.join(home, 'orders');
const unit = path.join(home, '.config/systemd/user/llmesh-worker.service');
beforeAll(() => {
  mkdirSync(tools);
  writeFileSync(path.join(tools, 'systemctl'), `#!/bin/sh\necho "$@" >> '${orders}'\necho active\n`);
  chmodSync(path.join(tools, 'systemctl'), 0o755);
});
afterAll(() => rmSync(home, { recursive: true }));

const llmesh = (...args: string[]) =>
  new Running(['native-worker/bin/llmesh.mjs', 'worker', ...args, '--json'], {
    HOME: home,
    XDG_CONFIG_HOME: '',
    LLMESH_DATA: path.join(home, 'data'),
    PATH: `${tools}:${process.env['PATH']}`,
  });

describe.skipIf(process.platform !== 'linux')('llmesh worker install', () => {
  it('needs a model, checks the flags and makes systemd run them; uninstall takes it back', async () => {
    const nothing = llmesh('install', '--allow-root');
    expect(await nothing.exited).toBe(2);
    expect(nothing.stderr).toContain('--model');
    const wrong = llmesh('install', '--allow-root', '--model', 'm', '--when', 'late');
    expect(await wrong.exited).toBe(2);
    expect(existsSync(unit)).toBe(false);

    const installed = llmesh('install', '--allow-root', '--model', 'm', '--when', 'idle');
    expect(await installed.exited).toBe(0);
    expect(installed.lines).toMatchObject([{ installed: unit, started: true }]);
    const text = readFileSync(unit, 'utf8');
    expect(text).toContain('"worker" "--model=m" "--when=idle"\n');
    expect(text).toContain(`Environment="LLMESH_DATA=${path.join(home, 'data')}"`);
    expect(readFileSync(orders, 'utf8')).toContain('--user enable llmesh-worker.service\n');

    const removed = llmesh('uninstall');
    expect(await removed.exited).toBe(0);
    expect(removed.lines).toEqual([{ uninstalled: true }]);
    expect(existsSync(unit)).toBe(false);
  });

  it.skipIf(process.getuid?.() !== 0)('does not install itself for root unasked', async () => {
    const refused = llmesh('install', '--model', 'm');
    expect(await refused.exited).toBe(1);
    expect(refused.lines).toMatchObject([{ error: { message: expect.stringContaining('--allow-root') } }]);
    expect(existsSync(unit)).toBe(false);
  });
});
