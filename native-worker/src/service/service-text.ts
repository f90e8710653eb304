/** What systemd and launchd are told about the worker, as text. Pure. */
import { MeshError } from '@llmesh/core/base/errors';
import { FILTERS, WALLS } from './sandbox.ts';

export const SYSTEMD_UNIT = 'llmesh-worker.service';
export const LAUNCHD_LABEL = 'org.llmesh.worker';

/** The umask: new files are for their owner only. launchd wants it as a decimal number. */
const UMASK = 0o077;

export interface ServiceProgram {
  /** Node, the script and its arguments; all paths absolute: a service starts elsewhere. */
  command: readonly string[];
  /** Every account can read these: nothing secret. */
  environment: Readonly<Record<string, string>>;
}

/** The limits that a unit puts on the worker. */
export interface ServiceBounds {
  /** The most memory of everything that the worker runs, in bytes; a last wall behind the worker's own limit. */
  memoryBytes: number;
  /** The only paths it may write to; null: this computer cannot give a user's service its own view of the files. */
  writable: readonly string[] | null;
}

/** A unit for systemd.service(5), of a user's own manager. Throws MeshError for what cannot be written there. */
export function systemdUnit(
  { command, environment }: ServiceProgram,
  { memoryBytes, writable }: ServiceBounds,
): string {
  const lines = Object.entries(environment).map(
    ([name, value]) => `Environment=${systemdWord(`${name}=${value}`, false)}`,
  );
  return [
    '[Unit]',
    'Description=LLMesh worker: lends this computer to a mesh',
    '# However often it ended, it comes back later.',
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    '# It is ready when its models are; to download them may take hours. What tells systemd is a tool of its own.',
    'Type=notify',
    'NotifyAccess=all',
    'TimeoutStartSec=infinity',
    'WatchdogSec=60',
    `ExecStart=${command.map((word) => systemdWord(word, true)).join(' ')}`,
    ...lines,
    'Restart=on-failure',
    'RestartSec=30',
    '# Wrong usage, a port in use, or what a person has to mend: another start changes nothing.',
    'RestartPreventExitStatus=2 3 78',
    '# It ends what it runs itself, in order.',
    'KillMode=mixed',
    'TimeoutStopSec=10',
    '# Where memory is short it is the first to go, and the rest of the service starts it again.',
    `MemoryMax=${memoryBytes}`,
    'OOMPolicy=continue',
    'OOMScoreAdjust=500',
    'Nice=10',
    'UMask=0077',
    ...FILTERS,
    ...(writable === null ? [] : WALLS),
    // A missing folder must not keep the worker from running.
    ...(writable ?? []).map((folder) => `ReadWritePaths=${systemdWord(`-${folder}`, false)}`),
    '',
    '[Install]',
    'WantedBy=default.target',
    '',
  ].join('\n');
}

/** A property list for launchd.plist(5), of a user's own agents. Throws MeshError for what cannot be written there. */
export function launchdPlist({ command, environment }: ServiceProgram, logFile: string): string {
  const variables = Object.entries(environment).flatMap(([name, value]) => [
    `    <key>${xml(name)}</key>`,
    `    <string>${xml(value)}</string>`,
  ]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    '  <key>Label</key>',
    `  <string>${LAUNCHD_LABEL}</string>`,
    '  <key>ProgramArguments</key>',
    '  <array>',
    ...command.map((word) => `    <string>${xml(word)}</string>`),
    '  </array>',
    ...(variables.length === 0 ? [] : ['  <key>EnvironmentVariables</key>', '  <dict>', ...variables, '  </dict>']),
    '  <key>RunAtLoad</key>',
    '  <true/>',
    '  <key>KeepAlive</key>',
    '  <dict>',
    '    <key>SuccessfulExit</key>',
    '    <false/>',
    '  </dict>',
    '  <key>ThrottleInterval</key>',
    '  <integer>30</integer>',
    '  <key>ExitTimeOut</key>',
    '  <integer>10</integer>',
    '  <key>Nice</key>',
    '  <integer>10</integer>',
    '  <key>Umask</key>',
    `  <integer>${UMASK}</integer>`,
    '  <key>StandardOutPath</key>',
    `  <string>${xml(logFile)}</string>`,
    '  <key>StandardErrorPath</key>',
    `  <string>${xml(logFile)}</string>`,
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

/** systemd.syntax(7): quotes, C escapes, `%` for its specifiers, and in commands `$` for variables. */
function systemdWord(word: string, inCommand: boolean): string {
  const escaped = plain(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
  return `"${inCommand ? escaped.replaceAll('$', '$$$$') : escaped}"`;
}

function xml(text: string): string {
  return plain(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A line break would begin another setting. */
function plain(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  throw new MeshError(
    'bad_message',
    `A service cannot be given ${JSON.stringify(text)}: leave out the control characters.`,
  );
}
