/** Turns the arguments of `llmesh worker install` into the program that the service runs. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Option } from 'commander';
import { MeshError } from '@llmesh/core/base/errors';
import { PROXY_VARIABLES } from '../web/proxy-choice.ts';
import type { ServiceProgram } from './service-text.ts';

/** Options of this command, not of the worker. */
const NOT_THE_WORKERS = new Set(['json', 'help']);
const PATHS = new Set(['data', 'config']);
/** Options whose value may be a file or something else. */
const MODELS = new Set(['model', 'draft']);
/** Variables that the service keeps. Not HF_TOKEN: everybody can read the file. */
const PROXIES = PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]);
const ENVIRONMENT = ['LLMESH_DATA', 'MODEL_ENDPOINT', ...PROXIES];

export interface CalledWith {
  node: string;
  script: string;
  /** All arguments behind `llmesh worker`. */
  args: readonly string[];
  options: readonly Option[];
  environment: Readonly<Record<string, string | undefined>>;
}

/** Throws MeshError when the program is installed only for a while, or a secret would be written down. */
export function serviceProgram({ node, script, args, options, environment }: CalledWith): ServiceProgram {
  if (script.split(path.sep).includes('_npx')) {
    throw new MeshError(
      'engine_failed',
      'npx keeps this program only for a while. Install it for good, as docs/run-a-worker.md says, then run "llmesh worker install" again.',
    );
  }
  const known = Object.fromEntries(
    options.map((option) => [
      (option.long ?? '').replace(/^--/, ''),
      { type: option.isBoolean() ? ('boolean' as const) : ('string' as const), multiple: true },
    ]),
  );
  const { values } = parseArgs({ args: [...args], options: known, strict: false, allowPositionals: true });
  const said = Object.entries(values)
    .filter(([name]) => name in known && !NOT_THE_WORKERS.has(name))
    .flatMap(([name, all]) =>
      [all].flat().map((value) => (typeof value === 'string' ? `--${name}=${absolute(name, value)}` : `--${name}`)),
    );
  const kept = ENVIRONMENT.flatMap((name) => {
    const value = environment[name];
    if (PROXIES.includes(name) && value?.includes('@')) throw secretProxy(name);
    return value ? [[name, name === 'LLMESH_DATA' ? path.resolve(value) : value] as const] : [];
  });
  return { command: [node, script, 'worker', ...said], environment: Object.fromEntries(kept) };
}

function secretProxy(name: string): MeshError {
  return new MeshError(
    'engine_failed',
    `There is a password in ${name}, and everybody on this computer can read the file of the service. Set ${name} without it.`,
  );
}

/** A service starts in another folder. */
function absolute(name: string, value: string): string {
  return PATHS.has(name) || (MODELS.has(name) && existsSync(value)) ? path.resolve(value) : value;
}
