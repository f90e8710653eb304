/** The first checks of a model file, before llama.cpp gets it. */
import { open, stat } from 'node:fs/promises';
import { MeshError } from '@llmesh/core/base/errors';

/** The file begins with these four letters: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
const MAGIC = 'GGUF';

/** Returns its size in bytes. Throws model_not_found, or model_unreadable when it cannot be a GGUF. */
export async function checkGgufFile(path: string): Promise<number> {
  const status = await stat(path).catch((cause: unknown) => {
    throw new MeshError('model_not_found', `There is no file ${path}. Check the path.`, { cause });
  });
  if (!status.isFile()) {
    throw new MeshError('model_not_found', `${path} is not a file. Give the path of one GGUF file.`);
  }
  if ((await firstBytes(path)) !== MAGIC) {
    throw new MeshError(
      'model_unreadable',
      `${path} is not a GGUF model. Models for llama.cpp end in .gguf; download the GGUF edition of the model.`,
    );
  }
  return status.size;
}

async function firstBytes(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new MeshError('model_unreadable', `${path} cannot be read. Check who may read it.`, { cause });
  }
}
