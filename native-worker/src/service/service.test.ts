/** Services in a home folder of their own; systemctl and launchctl are stood in for. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serviceProgram } from './service-program.ts';
import { runTool } from './run-tool.ts';
import { serviceOf } from './service.ts';

const program = { command: ['/usr/bin/node', '/opt/llmesh.mjs', 'worker', '--model=m'], environment: {} };
let home: string;
beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'llmesh-home-'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** A manager that takes every order, but those that begin with one of `fails`. */
function manager(platform: NodeJS.Platform, fails: string[] = [], configHome?: string) {
  const orders: string[] = [];
  const service = serviceOf({
    platform,
    home,
    configHome,
    dataFolder: path.join(home, '.llmesh'),
    uid: 501,
    caches: [path.join(home, '.cache')],
    memoryBytes: 8e9,
    run: async (tool, args) => {
      const order = [tool, ...args].join(' ');
      orders.push(order.replace(/ --property=.* true$/, ''));
      return fails.some((one) => order.startsWith(one))
        ? { ok: false, output: 'no bus' }
        : { ok: true, output: order.includes('print') ? 'x = {\n\tstate = running\n}' : 'active' };
    },
  });
  return { service, orders };
}

describe('a service', () => {
  it('of systemd is written for everybody to read, and started again when it was there', async () => {
    const { service, orders } = manager('linux');
    expect(service.file).toBe(path.join(home, '.config/systemd/user/llmesh-worker.service'));
    expect(await service.install(program)).toBeNull();
    expect(readFileSync(service.file, 'utf8')).toContain('"--model=m"');
    expect(statSync(service.file).mode & 0o777).toBe(0o644);
    expect(readFileSync(service.file, 'utf8')).toContain(`ReadWritePaths="-${path.join(home, '.llmesh')}"`);
    expect(orders).toEqual([
      'systemd-run --user --wait --quiet --collect',
      'systemctl --user daemon-reload',
      'systemctl --user enable llmesh-worker.service',
      'systemctl --user restart --no-block llmesh-worker.service',
    ]);
    expect([await service.isInstalled(), await service.state()]).toEqual([true, 'active']);
    expect(service.logs({ lines: 5, follow: true }).join(' ')).toBe(
      'journalctl --user --unit llmesh-worker.service --lines 5 --output short-iso --follow',
    );
    expect([await service.uninstall(), await service.uninstall()]).toEqual([true, false]);
    expect(await service.isInstalled()).toBe(false);
    expect(orders).toContain('systemctl --user disable --now llmesh-worker.service');
  });

  it('of systemd lies where XDG says, and says why it could not be started', async () => {
    const { service } = manager('linux', ['systemctl --user enable'], path.join(home, 'xdg'));
    expect(await service.install(program)).toBe('no bus');
    expect(readFileSync(path.join(home, 'xdg/systemd/user/llmesh-worker.service'), 'utf8')).toContain('ExecStart');
  });

  it('of systemd has no walls where a service that has them does not run', async () => {
    const { service } = manager('linux', ['systemd-run']);
    expect(await service.install(program)).toBeNull();
    expect(readFileSync(service.file, 'utf8')).not.toMatch(/^(PrivateUsers|ProtectSystem|ReadWritePaths)/m);
  });

  it('of launchd replaces the one before, which need not be there', async () => {
    const { service, orders } = manager('darwin', ['launchctl bootout']);
    expect(await service.install(program)).toBeNull();
    expect(orders).toEqual([
      'launchctl bootout gui/501/org.llmesh.worker',
      `launchctl bootstrap gui/501 ${path.join(home, 'Library/LaunchAgents/org.llmesh.worker.plist')}`,
    ]);
    expect(statSync(service.file).mode & 0o777).toBe(0o644);
    expect(await service.state()).toBe('running');
    expect(service.logs({ lines: 5, follow: false })).toEqual([
      'tail',
      '-n',
      '5',
      path.join(home, '.llmesh/worker.log'),
    ]);
    expect(await service.uninstall()).toBe(true);
    expect(await manager('darwin', ['launchctl print']).service.state()).toBe('inactive');
  });

  it('is nothing we know elsewhere, and says what to do', () => {
    expect(() => manager('win32')).toThrow('at login');
  });

  it('in a folder that cannot be written says so', async () => {
    writeFileSync(path.join(home, '.config'), 'a file');
    await expect(manager('linux').service.install(program)).rejects.toMatchObject({ code: 'storage_full' });
  });

  it('runs the tools of the system: what they print, and why they do not run', async () => {
    expect(await runTool(process.execPath, ['-p', '1'])).toEqual({ ok: true, output: '1' });
    expect(await runTool(process.execPath, ['-e', 'console.error("why"); process.exit(1)'])).toEqual({
      ok: false,
      output: 'why',
    });
    expect(await runTool('llmesh-no-such-tool', [])).toMatchObject({
      ok: false,
      output: expect.stringContaining('ENOENT'),
    });
  });
});

describe('what the service runs', () => {
  const { options } = new Command().option('--model <m>').option('--data <d>').option('--on-battery').option('--json');
  const called = (args: string[], environment = {}, script = '/opt/llmesh.mjs') =>
    serviceProgram({ node: '/usr/bin/node', script, args, options, environment });

  it('is what was said, with paths that hold anywhere', () => {
    const file = path.join(home, 'm.gguf');
    writeFileSync(file, '');
    const near = path.relative(process.cwd(), file);
    const args = ['install', '--model', near, '--data=here', '--on-battery', '--json', '--allow-root'];
    expect(called(args).command).toEqual([
      ...[
        '/usr/bin/node',
        '/opt/llmesh.mjs',
        'worker',
        `--model=${file}`,
        `--data=${path.resolve('here')}`,
        '--on-battery',
      ],
    ]);
    expect(called(['--model', 'hf:a/b', 'install']).command.at(-1)).toBe('--model=hf:a/b');
  });

  it('keeps what it needs of the environment, and no secret', () => {
    const environment = { LLMESH_DATA: 'd', MODEL_ENDPOINT: 'https://m', HF_TOKEN: 'secret', PATH: '/bin' };
    expect(called([], environment).environment).toEqual({
      LLMESH_DATA: path.resolve('d'),
      MODEL_ENDPOINT: 'https://m',
    });
  });

  it('goes through the proxy that it was installed behind, whose password it does not write down', () => {
    const environment = { HTTPS_PROXY: 'http://proxy.example:3128', no_proxy: '.example', HF_TOKEN: 'hf' };
    expect(called([], environment).environment).toEqual({
      HTTPS_PROXY: 'http://proxy.example:3128',
      no_proxy: '.example',
    });
    expect(() => called([], { http_proxy: 'http://ann:secret@proxy.example' })).toThrow('a password in http_proxy');
  });

  it('is not what npx throws away', () => {
    expect(() => called([], {}, '/home/a/.npm/_npx/1/node_modules/llmesh/bin/llmesh.mjs')).toThrow(
      'Install it for good',
    );
  });
});
