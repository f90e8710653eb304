/** Conversations from a file, whatever program has written it. */
import { asBackup, isBackup, readBackup } from './backup.ts';
import {
  CarryError,
  MOST_FILE_BYTES,
  MOST_TALKS,
  type CarriedTalk,
  type CarryOptions,
  type Incoming,
} from './carried-talk.ts';
import { isChatGpt, readChatGpt } from './chatgpt.ts';
import { carriedTalk, type ForeignTalk } from './foreign-talk.ts';
import type { NamedThings } from './named-things.ts';
import { isOpenWebUi, readOpenWebUi } from './open-webui.ts';

/** What a locked file begins with. */
const LOCKED = new TextEncoder().encode('llmesh-conversations-locked-1\n');

export function isLocked(bytes: Uint8Array): boolean {
  return LOCKED.every((byte, i) => bytes[i] === byte);
}

/** The file of these conversations, and of what goes along. `passphrase`: locks it; null: everybody who has the file can read it. */
export async function fileOf(
  talks: readonly CarriedTalk[],
  named: NamedThings | null,
  passphrase: string | null,
  options: CarryOptions,
): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(asBackup(talks, named));
  if (passphrase === null) return bytes;
  const { lock } = await import('@llmesh/core/identity/passphrase-lock');
  const locked = await lock(bytes, passphrase, options);
  const file = new Uint8Array(LOCKED.length + locked.length);
  file.set(LOCKED);
  file.set(locked, LOCKED.length);
  return file;
}

/** Rejects with wrong_passphrase, key_unreadable or cancelled. */
export async function unlockFile(bytes: Uint8Array, passphrase: string, options: CarryOptions): Promise<Uint8Array> {
  const { unlock } = await import('@llmesh/core/identity/passphrase-lock');
  return unlock(bytes.subarray(LOCKED.length), passphrase, { ...options, what: 'this file' });
}

/** `now`: milliseconds since 1970, for what has no date. Throws a CarryError. */
export function readFile(bytes: Uint8Array, now: number): Incoming {
  if (bytes.length > MOST_FILE_BYTES) throw new CarryError('This file is too large: 256 MB can be read at once.');
  const json = parsed(bytes);
  if (isBackup(json)) return readBackup(json);
  if (isChatGpt(json)) return readForeign('ChatGPT', json as unknown[], readChatGpt, now);
  if (isOpenWebUi(json)) return readForeign('Open WebUI', json as unknown[], readOpenWebUi, now);
  throw new CarryError(NOT_OURS);
}

const NOT_OURS =
  'No conversations were found in this file. It can be one that LLMesh saved, the conversations.json of a ChatGPT export ' +
  '(unpack the .zip first), or an export of Open WebUI.';

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Neither text nor JSON: whatever it is, it is none that we know.
    throw new CarryError(NOT_OURS);
  }
}

function readForeign(
  program: string,
  list: readonly unknown[],
  read: (value: unknown) => ForeignTalk | null,
  now: number,
): Incoming {
  let leftOut = Math.max(0, list.length - MOST_TALKS);
  const talks: CarriedTalk[] = [];
  for (const value of list.slice(0, MOST_TALKS)) {
    const foreign = read(value);
    const talk = foreign === null ? null : carriedTalk(program, foreign, now);
    // An empty one is no loss.
    if (foreign === null) leftOut += 1;
    if (talk !== null) talks.push(talk);
  }
  return { talks, leftOut };
}
