/** Why a model does not come, in words for whoever waits for it. */
import { MeshError } from '../../../base/errors.ts';

export function nobodyHasIt(): MeshError {
  return new MeshError(
    'model_not_found',
    'No volunteer who is here now has all of this model. Try again later, or take another.',
  );
}

export function tooLarge(): MeshError {
  return new MeshError('storage_full', 'This model is larger than the room that is left for it. Give it more room.');
}

export function noWay(): MeshError {
  return new MeshError('connect_failed', 'Models cannot come from that volunteer: there is no direct way to it.');
}

export function storeFailed(thrown: unknown): MeshError {
  return thrown instanceof MeshError
    ? thrown
    : new MeshError('storage_full', 'This device could not keep a part of the model. Make room, and try again.', {
        cause: thrown,
      });
}

/** The same, for whoever gives a file to one peer. */
export function noWayTo(): MeshError {
  return new MeshError(
    'connect_failed',
    'Your file cannot reach that volunteer: there is only a relay between you, and a relay carries no files. On another network, or without hiding your address, it may.',
  );
}
