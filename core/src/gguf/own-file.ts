/**
 * A file that somebody brings along, before anything of it is kept or sent: named safely, and its head read within bounds. The
 * same on a page and in a program.
 */
import { MeshError } from '../base/errors.ts';
import { readGgufHeader, type GgufHeader } from './gguf-header.ts';
import { GgufFault } from './gguf-reader.ts';

const MAX_NAME = 60;
/** The beginnings of files that people take for a GGUF. */
const OTHERS: readonly [starts: (head: Uint8Array) => boolean, is: string][] = [
  [(head) => head[0] === 0x50 && head[1] === 0x4b, 'is an archive, or a file of PyTorch.'],
  [(head) => head[8] === 0x7b && head[9] === 0x22, 'is a safetensors file.'],
  [(head) => head[0] === 0x80 && (head[1] ?? 0) < 6, 'is a file of PyTorch.'],
  [(head) => head[0] === 0x7b || head[0] === 0x5b, 'is a file of settings.'],
];

export interface OwnFile {
  /** As people call it, for messages: see `plainName`. */
  name: string;
  sizeBytes: number;
  /** These bytes of it, `to` exclusive. */
  read: (from: number, to: number) => Promise<Uint8Array>;
}

/** `advice`: what to do with a file of another format. Rejects with model_unreadable in words for people, or as `read` does. */
export async function headerOf({ name, sizeBytes, read }: OwnFile, advice: string): Promise<GgufHeader> {
  const head = await read(0, Math.min(16, sizeBytes));
  if (new TextDecoder().decode(head.subarray(0, 4)) !== 'GGUF') {
    const [, is = 'is not a GGUF file.'] = OTHERS.find(([starts]) => starts(head)) ?? [];
    throw refused(name, `${is} ${advice}`);
  }
  try {
    return await readGgufHeader({ sizeBytes, head: (length) => read(0, length) });
  } catch (thrown) {
    if (!(thrown instanceof GgufFault)) throw thrown;
    throw refused(name, `cannot be read. ${thrown.what} Download or convert it again.`);
  }
}

/** What a stranger called a file, as it is safe to show: no folders, nothing that turns or hides text. */
export function plainName(called: string): string {
  const last = called.split(/[/\\]/).at(-1) ?? '';
  const shown = last.replace(/\.gguf$/i, '').replace(/[^\p{L}\p{M}\p{N}\p{P}\p{Zs}\p{So}]/gu, '');
  return Array.from(shown.trim()).slice(0, MAX_NAME).join('');
}

/** `why`: the end of a sentence that the name begins, and what to do. */
export function refused(name: string, why: string): MeshError {
  return new MeshError('model_unreadable', `${name || 'This file'} ${why}`);
}
