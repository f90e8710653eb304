/**
 * What a model file says about itself. The library's own reader believes every count and length, so it gets a file only after
 * ours has read it within limits: see `readGgufHeader`.
 */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { readGgufFileInfo, type GgufFileInfo } from 'node-llama-cpp';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import { readGgufHeader, type GgufHeader } from '@llmesh/core/gguf/gguf-header';
import { GgufFault } from '@llmesh/core/gguf/gguf-reader';
import { isPart, splitParts } from './split-files.ts';

/** Throws model_unreadable, or cancelled. */
export async function readGgufInfo(file: string, signal?: AbortSignal): Promise<GgufFileInfo> {
  await readHeaders(file);
  if (signal?.aborted === true) throw cancelled();
  return readGgufFileInfo(file, { logWarnings: false, ...(signal !== undefined && { signal }) });
}

/** The info of the file; for a model in parts, that of all parts. Throws model_unreadable. */
export async function readHeaders(file: string): Promise<[GgufHeader, ...GgufHeader[]]> {
  const [first = '', ...others] = splitParts(path.basename(file));
  // llama.cpp would look for as many parts as the name says.
  if (others.length === 0 && isPart(file))
    throw named(file, new GgufFault('It claims to have more parts than a model can have.'));
  const parts = others.length + 1;
  const beside = (name: string) => path.join(path.dirname(file), name);
  const headers: [GgufHeader, ...GgufHeader[]] = [await readPart(parts === 1 ? file : beside(first), 0, parts)];
  for (const [i, name] of others.entries()) headers.push(await readPart(beside(name), i + 1, parts));
  return headers;
}

async function readPart(file: string, part: number, parts: number): Promise<GgufHeader> {
  const handle = await open(file, 'r');
  try {
    const header = await readGgufHeader({
      sizeBytes: (await handle.stat()).size,
      head: async (length) => {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
        return buffer.subarray(0, bytesRead);
      },
    });
    const { fields } = header;
    const [count, number] = ['split.count', 'split.no'].map((key) => fields.get(key)?.value);
    const fits = parts === 1 ? count === 0 || count === 1 : count === parts && number === part;
    if (count !== undefined && !fits) throw new GgufFault('It is one part of a model, but its name says another.');
    return header;
  } catch (thrown) {
    throw named(file, thrown);
  } finally {
    await handle.close();
  }
}

function named(file: string, thrown: unknown): unknown {
  if (!(thrown instanceof GgufFault)) return thrown;
  const message = `${file} cannot be read. ${thrown.what} Download it again, or choose another model.`;
  return new MeshError('model_unreadable', message, { cause: thrown });
}
