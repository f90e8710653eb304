/**
 * Whom the log has to convince: the operator's policy file, C2SP tlog-policy, with the addresses of the witnesses. What
 * strangers get of it names no addresses: they are the operator's business.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { LogError } from '@llmesh/log/base/log-error';
import { writeKey, type NoteKey } from '@llmesh/log/note/key';
import { MAX_POLICY_BYTES, readPolicy, type Policy } from '@llmesh/log/witness/policy';
import { MeshError } from '@llmesh/core/base/errors';

/** A named pipe has no end, and waits for a writer. */
const NO_WAIT = constants.O_NONBLOCK ?? 0;

export interface MeshPolicy extends Policy {
  /** As `/log/policy` tells it. */
  readonly text: string;
}

/** `file` null: nobody has to sign but ourselves. Rejects with log_broken for a file that cannot be read, or is not about our log. */
export async function openMeshPolicy(file: string | null, log: NoteKey): Promise<MeshPolicy> {
  const own = `log ${writeKey(log)}\n`;
  if (file === null) return { ...readPolicy(Buffer.from(`${own}quorum none\n`)), text: `${own}quorum none\n` };
  const text = await textOf(file);
  const read = policyIn(file, text);
  for (const { name, url } of read.witnesses) {
    if (url !== null && !isWeb(url))
      throw unusable(file, `the address of ${name} does not begin with https:// or http://`);
  }
  if (read.logs.length === 0) return { ...policyIn(file, own + text), text: own + withoutAddresses(text) };
  if (read.logs.some(({ key }) => writeKey(key) === writeKey(log))) return { ...read, text: withoutAddresses(text) };
  throw unusable(file, `it is about another log. The key of this one is ${writeKey(log)}`);
}

function policyIn(file: string, text: string): Policy {
  try {
    return readPolicy(Buffer.from(text));
  } catch (thrown) {
    if (thrown instanceof LogError) throw unusable(file, thrown.message);
    throw thrown;
  }
}

/** Each witness line keeps its name and its key. */
function withoutAddresses(text: string): string {
  const lines = text.split('\n').map((line) => {
    const [word, name, key] = line.trim().split(/[ \t]+/);
    return word === 'witness' ? `witness ${name} ${key}` : line;
  });
  return lines.filter((line) => !line.trim().startsWith('#')).join('\n');
}

async function textOf(file: string): Promise<string> {
  try {
    const handle = await open(file, constants.O_RDONLY | NO_WAIT);
    try {
      const bytes = Buffer.alloc(MAX_POLICY_BYTES + 1);
      const { bytesRead } = await handle.read(bytes, 0, bytes.byteLength, 0);
      return bytes.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    throw unusable(file, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function isWeb(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function unusable(file: string, why: string): MeshError {
  return new MeshError(
    'log_broken',
    `The policy file ${file} cannot be used: ${why}. See "Witnesses" in docs/run-a-mesh.md.`,
  );
}
