/** The home of the account that runs this. */
import os from 'node:os';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';

/**
 * Taken from HOME; where that is empty or relative, from the system's entry for the account. Never the current folder, where
 * nobody would look for it again. Throws identity_unusable where the account has none, as in many containers.
 */
export function homeFolder(
  environment: NodeJS.ProcessEnv = process.env,
  ofAccount: () => string = accountHome,
): string {
  const named = process.platform === 'win32' ? os.homedir() : (environment['HOME'] ?? '');
  const home = path.isAbsolute(named) ? named : ofAccount();
  if (path.isAbsolute(home)) return home;
  throw new MeshError(
    'identity_unusable',
    'This account has no home folder to keep things in. Name a folder with --data, or in LLMESH_DATA.',
  );
}

/** Empty where the system does not know the account. */
function accountHome(): string {
  try {
    return os.userInfo().homedir;
  } catch {
    return '';
  }
}
