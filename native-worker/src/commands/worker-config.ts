/**
 * `worker.json`: every flag of `llmesh worker` by its name, in JSON. It becomes arguments in front of those of the
 * command line, so that one parser checks both and the command line, which comes later, wins.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { InvalidArgumentError, type Command, type Option } from 'commander';
import { asMeshError } from '@llmesh/core/base/errors';
import { dataFolder } from '../files/data-folder.ts';
import { decoded } from '../files/decoded-text.ts';
import { localPath, pathIn } from '../files/local-path.ts';
import { openGiven } from '../files/own-file.ts';
import { errno } from '../files/whole-file.ts';

export const CONFIG_FILE = 'worker.json';
const MAX_CONFIG_BYTES = 64 << 10;
/** Not allowed in the file, as it would name another file to read. */
const ONLY_ON_THE_COMMAND_LINE = new Set(['config', 'help']);

/** Settings that name files, or places to get them from. */
const PLACES = new Set(['model', 'draft', 'lora', 'data']);
/** Settings that may be a list in the file. */
const REPEATED = new Set(['model', 'lora']);

/** An error for a person: what is wrong in which file, and what to do. */
export class ConfigError extends Error {}

/** `args`: all behind `llmesh`. Unchanged unless they start a worker and there is a file. Rejects with ConfigError. */
export async function withConfig(args: readonly string[], worker: Command): Promise<string[]> {
  const [command, ...rest] = args;
  // Only a worker that starts needs the settings; an installed one reads them when it starts.
  if (command !== worker.name() || saidBy(rest, worker.options).subcommand) return [...args];
  return [command, ...(await configArguments(rest, worker.options)), ...rest];
}

/** What the file adds to `args`, all behind `llmesh worker`. Rejects with ConfigError. */
export async function configArguments(args: readonly string[], options: readonly Option[]): Promise<string[]> {
  const said = saidBy(args, options);
  const file = configFile(said);
  const text = await readConfig(file, said.config !== undefined);
  if (text !== null) return argumentsOf(parse(text, file), options, said.names, file);
  if (said.config === undefined) return [];
  throw new ConfigError(`There is no file ${file}. Check --config.`);
}

/** Options that `said` names are left out. Throws ConfigError at the first key or value that cannot be one. */
export function argumentsOf(
  config: Readonly<Record<string, unknown>>,
  options: readonly Option[],
  said: ReadonlySet<string>,
  file: string,
): string[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const option = options.find((one) => nameOf(one) === key && !ONLY_ON_THE_COMMAND_LINE.has(key));
    if (option === undefined) {
      const known = options.map(nameOf).filter((name) => !ONLY_ON_THE_COMMAND_LINE.has(name));
      throw new ConfigError(`${file}: there is no setting "${key}". There are: ${known.join(', ')}.`);
    }
    if (said.has(key) || said.has(`no-${key}`)) return [];
    if (option.isBoolean()) {
      if (typeof value !== 'boolean') throw new ConfigError(`${file}: "${key}" must be true or false.`);
      const isOnByDefault = options.some((one) => nameOf(one) === `no-${key}`);
      return value ? [`--${key}`] : isOnByDefault ? [`--no-${key}`] : [];
    }
    const values = REPEATED.has(key) && Array.isArray(value) ? value : [value];
    return values.map((one) => `--${key}=${textOf(one, option, key, file)}`);
  });
}

function textOf(value: unknown, option: Option, key: string, file: string): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new ConfigError(`${file}: "${key}" must be a text or a number.`);
  }
  try {
    option.parseArg?.(String(value), undefined);
  } catch (thrown) {
    if (thrown instanceof InvalidArgumentError) throw new ConfigError(`${file}: "${key}": ${thrown.message}`);
    throw thrown;
  }
  // People expect it beside the file that names it; they do not know the current folder of a service.
  return PLACES.has(key) ? pathIn(path.dirname(path.resolve(file)), String(value)) : String(value);
}

/** Throws ConfigError where there is no folder for it. */
function configFile({ config, data }: { config: string | undefined; data: string | undefined }): string {
  try {
    return config === undefined ? path.join(dataFolder(data), CONFIG_FILE) : localPath(config);
  } catch (thrown) {
    throw new ConfigError(asMeshError(thrown, 'identity_unusable', String(thrown)).message);
  }
}

function saidBy(args: readonly string[], options: readonly Option[]) {
  const known = Object.fromEntries(
    options.map((option) => [
      nameOf(option),
      { type: option.isBoolean() ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { values, positionals } = parseArgs({ args: [...args], options: known, strict: false, allowPositionals: true });
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    config: text(values['config']),
    data: text(values['data']),
    names: new Set(Object.keys(values)),
    subcommand: positionals.length > 0,
  };
}

function nameOf(option: Option): string {
  return (option.long ?? '').replace(/^--/, '');
}

function parse(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new ConfigError(`${file} is not a JSON object. Write it like {"model": "llmesh-tiny", "when": "22:00-07:00"}.`);
}

/** null when there is no file. */
async function readConfig(file: string, named: boolean): Promise<string | null> {
  try {
    // A file that was named may be a pipe; otherwise a pipe would hold up every start.
    const handle = await (named ? open(file, 'r') : openGiven(file));
    try {
      const bytes = Buffer.alloc(MAX_CONFIG_BYTES + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
      if (bytesRead > MAX_CONFIG_BYTES)
        throw new ConfigError(`${file} is larger than settings can be. Check the file.`);
      return decoded(bytes.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw thrown;
    if (errno(thrown) === 'ENOENT' || errno(thrown) === 'ENOTDIR') return null;
    throw new ConfigError(
      `${file} cannot be read (${errno(thrown) ?? String(thrown)}). Give it to this account, or remove it.`,
    );
  }
}
