/**
 * Messages as bytes. A message is MessagePack, cut into fragments of at most 16 KiB; each begins with two bytes: the
 * protocol version, then 1 when this is the last fragment of its message and 0 when more follow. The channel keeps
 * order, so fragments of two messages never mix. Each leaves room for the seal around it (`seal-wire.ts`).
 */
import { Decoder, Encoder } from '@msgpack/msgpack';
import { MeshError } from '../base/errors.ts';
import { wellShaped } from './msgpack-shape.ts';
import { MAX_MESSAGE_BYTES } from './fields.ts';
import type { TaskId } from '../base/ids.ts';
import {
  MAX_FRAGMENT_BYTES,
  MAX_TOKEN_IDS,
  PROTOCOL_VERSION,
  parseData,
  taskAskedBy,
  type DataMessage,
  SEAL_BYTES,
} from '../protocol.ts';

const HEADER_BYTES = 2;
const MORE = 0;
const LAST = 1;

const BODY_BYTES = MAX_FRAGMENT_BYTES - SEAL_BYTES - HEADER_BYTES;
/** Tiny fragments cost far more memory than their bytes: a message has at most twice the fragments that it needs. */
const MAX_FRAGMENTS = 2 * Math.ceil(MAX_MESSAGE_BYTES / BODY_BYTES);

/** The deepest message, a request with its turns, has three levels. */
const MAX_DEPTH = 8;
const encoder = new Encoder({ maxDepth: MAX_DEPTH, ignoreUndefined: true });
const decoder = new Decoder({
  maxStrLength: MAX_MESSAGE_BYTES,
  maxBinLength: MAX_MESSAGE_BYTES,
  maxArrayLength: MAX_TOKEN_IDS,
  maxMapLength: 64,
  maxExtLength: 64,
});

/** Hands each fragment of the message to `send`, which may keep it. Throws message_too_large past 1 MiB. */
export function writeMessage(message: DataMessage, send: (fragment: Uint8Array<ArrayBuffer>) => void): void {
  const body = encoder.encodeSharedRef(message);
  if (body.byteLength > MAX_MESSAGE_BYTES) {
    throw new MeshError('message_too_large', 'This conversation is too long to send. Start a new one.');
  }
  for (let start = 0; start < body.byteLength; start += BODY_BYTES) {
    const end = Math.min(start + BODY_BYTES, body.byteLength);
    const fragment = new Uint8Array(HEADER_BYTES + end - start);
    fragment[0] = PROTOCOL_VERSION;
    fragment[1] = end === body.byteLength ? LAST : MORE;
    fragment.set(body.subarray(start, end), HEADER_BYTES);
    send(fragment);
  }
}

/** A request that is invalid, but whole and well encoded: we refuse it by its task, and other answers continue. */
export class BadRequest extends MeshError {
  readonly taskId: TaskId;

  constructor(taskId: TaskId) {
    super('bad_message', 'This question cannot be read. Update LLMesh on the computer that asks.');
    this.taskId = taskId;
  }
}

/**
 * Reassembles the fragments of one link. Any error but BadRequest ends the link: after a bad byte nothing can be
 * trusted.
 */
export class MessageReader {
  #parts: Uint8Array[] = [];
  #partBytes = 0;

  /**
   * The message that `fragment` completes, or null while it is incomplete. Keeps `fragment` until then. Throws
   * version_mismatch, message_too_large or bad_message, which may be a BadRequest.
   */
  read(fragment: Uint8Array): DataMessage | null {
    if (fragment.byteLength > MAX_FRAGMENT_BYTES) {
      throw new MeshError('message_too_large', 'The other computer sent a fragment larger than the protocol allows.');
    }
    if (fragment.byteLength <= HEADER_BYTES) throw badMessage();
    if (fragment[0] !== PROTOCOL_VERSION) {
      throw new MeshError(
        'version_mismatch',
        'The other computer runs another version of LLMesh. Reload this page, or update the llmesh command.',
      );
    }
    const flag = fragment[1];
    if (flag !== LAST && flag !== MORE) throw badMessage();
    const body = fragment.subarray(HEADER_BYTES);
    if (flag === LAST && this.#parts.length === 0) return decode(body);
    this.#partBytes += body.byteLength;
    if (this.#partBytes > MAX_MESSAGE_BYTES) {
      throw new MeshError('message_too_large', 'The other computer sent a message larger than 1 MiB.');
    }
    this.#parts.push(body);
    if (this.#parts.length > MAX_FRAGMENTS) throw badMessage();
    if (flag === MORE) return null;
    const whole = new Uint8Array(this.#partBytes);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.byteLength;
    }
    this.#parts = [];
    this.#partBytes = 0;
    return decode(whole);
  }
}

function decode(body: Uint8Array): DataMessage {
  if (!wellShaped(body, MAX_DEPTH)) throw badMessage();
  let value: unknown;
  try {
    value = decoder.decode(body);
  } catch (cause) {
    throw new MeshError('bad_message', BAD_MESSAGE, { cause });
  }
  const message = parseData(value);
  if (message !== null) return message;
  const taskId = taskAskedBy(value);
  throw taskId === null ? badMessage() : new BadRequest(taskId);
}

const BAD_MESSAGE = 'The other computer sent something outside this protocol.';

function badMessage(): MeshError {
  return new MeshError('bad_message', BAD_MESSAGE);
}
