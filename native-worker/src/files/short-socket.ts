/** The place of a socket whose folder has too long a name: the system would cut the name off, and put it elsewhere. */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { MeshError } from '@llmesh/core/base/errors';

/** `sun_path` has 104 bytes on macOS and 108 on Linux, with a zero at the end. */
export const MAX_SOCKET_BYTES = 103;

/** `file` itself, or a short name that stands for it, in the folder that the system keeps for this account. */
export function shortSocket(file: string, environment: NodeJS.ProcessEnv = process.env): string {
  if (Buffer.byteLength(file) <= MAX_SOCKET_BYTES) return file;
  const name = `${createHash('sha256').update(file).digest('hex').slice(0, 16)}.sock`;
  return path.join(socketFolder(environment), name);
}

function socketFolder({ XDG_RUNTIME_DIR: runtime }: NodeJS.ProcessEnv): string {
  const uid = process.getuid?.() ?? 0;
  const base = runtime !== undefined && path.isAbsolute(runtime) && runtime.length < 64 ? runtime : '/tmp';
  return path.join(base, `llmesh-${uid}`);
}

/** Makes the folder of a short name. Throws identity_unusable where another account has put something in its place. */
export function makeSocketFolder(file: string): void {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  checkSocketFolder(file);
}

/** Throws as `makeSocketFolder` does, and where there is no such folder. */
export function checkSocketFolder(file: string): void {
  const folder = path.dirname(file);
  const found = lstatSync(folder);
  const ours = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
  if (ours) return;
  throw new MeshError('identity_unusable', `${folder} does not belong to ${os.userInfo().username} alone. Remove it.`);
}
