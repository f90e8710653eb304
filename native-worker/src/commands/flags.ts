/** How flags that several commands have are read. */
import { InvalidArgumentError, Option } from 'commander';
import { asMeshError } from '@llmesh/core/base/errors';
import { isNetworkId, isPeerId, type NetworkId, type PeerId } from '@llmesh/core/base/ids';
import { readWhen } from '@llmesh/core/policy/lending-hours';
import { localPath } from '../files/local-path.ts';
import { DEFAULT_MESH, meshAddress } from '../node/mesh-address.ts';

export function meshOption(): Option {
  return new Option('--mesh <url>', 'address of the mesh')
    .default(new URL(DEFAULT_MESH), DEFAULT_MESH)
    .argParser((text) => {
      try {
        return meshAddress(text);
      } catch (thrown) {
        throw new InvalidArgumentError(asMeshError(thrown, 'control_unreachable', String(thrown)).message);
      }
    });
}

export function modelsMaxOption(): Option {
  return new Option(
    '--models-max <GB>',
    'gigabytes of all downloaded models: those that others have, too, and that you used longest ago are removed for new ones (default: none is ever removed)',
  ).argParser(amount(0.001, 1_000_000));
}

export function whenOption(): Option {
  return new Option(
    '--when <times>',
    '"always", "idle" (while nobody needs this computer), or hours: 22:00-07:00,12:00-13:30',
  )
    .default('always')
    .argParser((text) => {
      const when = readWhen(text);
      if (when !== null) return when;
      throw new InvalidArgumentError('Write always, idle, or hours like 22:00-07:00, several with commas between.');
    });
}

/** A file, or a place to get one from: see `localPath`. */
export function place(text: string): string {
  try {
    return localPath(text);
  } catch (thrown) {
    throw new InvalidArgumentError(asMeshError(thrown, 'model_not_found', String(thrown)).message);
  }
}

/** Gathers several `place`s. */
export function several(most: number): (text: string, before?: string[]) => string[] {
  return (text, before = []) => {
    if (before.length < most) return [...before, place(text)];
    throw new InvalidArgumentError(`There can be ${most} at most.`);
  };
}

export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (Number.isInteger(n) && n >= least && n <= most) return n;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export function amount(least: number, most: number): (text: string) => number {
  return (text) => {
    const n = Number(text);
    if (text.trim() !== '' && n >= least && n <= most) return n;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

export function webAddress(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return url;
  throw new InvalidArgumentError('It must be an address that begins with https:// or http://, without a password.');
}

export function aNetwork(text: string): NetworkId {
  if (isNetworkId(text)) return text;
  throw new InvalidArgumentError('A network is named net_ and 32 letters and digits: "llmesh networks" says it.');
}

export function gather(text: string, before: string[]): string[] {
  return [...before, text];
}

export function gatherPeers(text: string, before: PeerId[]): PeerId[] {
  if (!isPeerId(text))
    throw new InvalidArgumentError('A peer id has 32 letters and digits: /api/peers of the mesh shows them.');
  return [...before, text];
}
