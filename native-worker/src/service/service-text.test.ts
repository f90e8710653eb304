import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { launchdPlist, SYSTEMD_UNIT, systemdUnit } from './service-text.ts';

const VERIFY = '/usr/bin/systemd-analyze';
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

it('a unit for systemd, word for word', () => {
  expect(systemdUnit({ ...program, command: ['/usr/bin/node', ...program.command.slice(1)] })).toBe(
    String.raw`[Unit]
Description=LLMesh worker: lends this computer to a mesh
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
ExecStart="/usr/bin/node" "/opt/llm esh/llmesh.mjs" "worker" "--model=a\"b\\c" "--data=/x/50%%/$$HOME" "--when=<&>"
Environment="LLMESH_DATA=/home/ann o/.llmesh"
Environment="MODEL_ENDPOINT=https://mirror/?a=1&b=$2"
Restart=on-failure
RestartSec=10
# Wrong usage, or a port in use: another start changes nothing.
RestartPreventExitStatus=2 3
TimeoutStopSec=10
Nice=10
UMask=0077
NoNewPrivileges=yes

[Install]
WantedBy=default.target
`,
  );
});

it.skipIf(!existsSync(VERIFY))('systemd takes the unit without a word', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-unit-'));
  try {
    const file = path.join(folder, SYSTEMD_UNIT);
    const verify = (text: string) => {
      writeFileSync(file, text);
      const env = { ...process.env, XDG_RUNTIME_DIR: folder, LC_ALL: 'C' };
      const { stdout, stderr } = spawnSync(VERIFY, ['--user', 'verify', file], { env, encoding: 'utf8' });
      // Of other units on this machine it may say what it likes.
      return `${stdout}${stderr}`.split('\n').filter((line) => line.includes(SYSTEMD_UNIT));
    };
    expect(verify(systemdUnit(program))).toEqual([]);
    // It would say so.
    expect(verify(systemdUnit(program).replace('RestartSec=10', 'RestartSec=soon'))).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
    expect(() => systemdUnit(sly)).toThrow('control characters');
    expect(() => launchdPlist(sly, '/l')).toThrow('control characters');
  },
);
