import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FILTERS, WALLS } from './sandbox.ts';
import { launchdPlist, SYSTEMD_UNIT, systemdUnit } from './service-text.ts';

const ANALYZE = '/usr/bin/systemd-analyze';
const program = {
  command: [
    process.execPath,
    '/opt/llm esh/llmesh.mjs',
    'worker',
    '--model=a"b\\c',
    '--data=/x/50%/$HOME',
    '--when=<&>',
  ],
  environment: { LLMESH_DATA: '/home/ann o/.llmesh', MODEL_ENDPOINT: 'https://mirror/?a=1&b=$2' },
};

const bounds = { memoryBytes: 8e9, writable: ['/home/ann o/50%', '/home/ann o/.cache'] };

it('a unit for systemd, word for word', () => {
  const short = { ...program, command: ['/usr/bin/node', ...program.command.slice(1)] };
  const unit = systemdUnit(short, bounds);
  expect(unit).toBe(
    String.raw`[Unit]
Description=LLMesh worker: lends this computer to a mesh
# However often it ended, it comes back later.
StartLimitIntervalSec=0

[Service]
# It is ready when its models are; to download them may take hours. What tells systemd is a tool of its own.
Type=notify
NotifyAccess=all
TimeoutStartSec=infinity
WatchdogSec=60
ExecStart="/usr/bin/node" "/opt/llm esh/llmesh.mjs" "worker" "--model=a\"b\\c" "--data=/x/50%%/$$HOME" "--when=<&>"
Environment="LLMESH_DATA=/home/ann o/.llmesh"
Environment="MODEL_ENDPOINT=https://mirror/?a=1&b=$2"
Restart=on-failure
RestartSec=30
# Wrong usage, a port in use, or what a person has to mend: another start changes nothing.
RestartPreventExitStatus=2 3 78
# It ends what it runs itself, in order.
KillMode=mixed
TimeoutStopSec=10
# Where memory is short it is the first to go, and the rest of the service starts it again.
MemoryMax=8000000000
OOMPolicy=continue
OOMScoreAdjust=500
Nice=10
UMask=0077
${[...FILTERS, ...WALLS].join('\n')}
ReadWritePaths="-/home/ann o/50%%"
ReadWritePaths="-/home/ann o/.cache"

[Install]
WantedBy=default.target
`,
  );
  const open = systemdUnit(short, { ...bounds, writable: null });
  expect(open).toContain('SystemCallFilter');
  for (const wall of [...WALLS, 'ReadWritePaths']) expect(open).not.toContain(wall);
});

describe.skipIf(!existsSync(ANALYZE))('systemd', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-unit-'));
  const file = path.join(folder, SYSTEMD_UNIT);
  afterAll(() => rmSync(folder, { recursive: true }));

  const analyze = (text: string, ...args: string[]) => {
    writeFileSync(file, text);
    const env = { ...process.env, XDG_RUNTIME_DIR: folder, LC_ALL: 'C' };
    const { stdout, stderr } = spawnSync(ANALYZE, ['--user', ...args, file], { env, encoding: 'utf8' });
    return `${stdout}${stderr}`;
  };
  // It may say what it likes about other units on this machine.
  const verify = (text: string) =>
    analyze(text, 'verify')
      .split('\n')
      .filter((line) => line.includes(SYSTEMD_UNIT));

  it('takes the unit without a word', () => {
    for (const writable of [bounds.writable, null]) {
      expect(verify(systemdUnit(program, { ...bounds, writable }))).toEqual([]);
    }
    // It would say so.
    expect(verify(systemdUnit(program, bounds).replace('RestartSec=30', 'RestartSec=soon'))).toHaveLength(1);
  });

  it('finds little to be exposed', () => {
    const exposure = (writable: string[] | null) => {
      const report = analyze(systemdUnit(program, { ...bounds, writable }), 'security', '--offline=true', '--no-pager');
      return Number(/Overall exposure level.*: ([\d.]+)/.exec(report)?.[1]);
    };
    expect(exposure(bounds.writable)).toBeLessThan(3);
    // It takes the service for one of root: capabilities that no user has count, too.
    expect(exposure(null)).toBeLessThan(7.5);
  });
});

it('a property list for launchd, word for word', () => {
  const command = ['/usr/bin/node', '/opt/llmesh.mjs', 'worker', '--when=<&>'];
  expect(launchdPlist({ command, environment: { MODEL_ENDPOINT: 'https://a/?b&c' } }, '/Users/ann/.llmesh/worker.log'))
    .toBe(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>org.llmesh.worker</string>
  <key>ProgramArguments</key>
  <array>
    <string>/usr/bin/node</string>
    <string>/opt/llmesh.mjs</string>
    <string>worker</string>
    <string>--when=&lt;&amp;&gt;</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>MODEL_ENDPOINT</key>
    <string>https://a/?b&amp;c</string>
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
  <key>ExitTimeOut</key>
  <integer>10</integer>
  <key>Nice</key>
  <integer>10</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>/Users/ann/.llmesh/worker.log</string>
  <key>StandardErrorPath</key>
  <string>/Users/ann/.llmesh/worker.log</string>
</dict>
</plist>
`);
  expect(launchdPlist({ command, environment: {} }, '/l')).not.toContain('EnvironmentVariables');
});

it.each(['--model=a\nExecStartPre=/bin/evil', '--data=\u0000', 'a\u001bb'])(
  'nothing begins another setting: %j',
  (word) => {
    const sly = { command: ['/usr/bin/node', word], environment: {} };
    expect(() => systemdUnit(sly, bounds)).toThrow('control characters');
    expect(() => launchdPlist(sly, '/l')).toThrow('control characters');
  },
);
