/**
 * What travels on a sealed link: the protocol version, what kind of message this is, and the message. Once a link is
 * sealed only one kind is left, and each is opaque to those who carry it.
 */
import { MeshError } from '../../base/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol.ts';

/** Says only which version its sender speaks, to one who speaks another. */
export const NOTICE = 0;
export const HANDSHAKE_XX = 1;
export const HANDSHAKE_NK = 2;
export const SEALED = 3;

export const WIRE_HEADER_BYTES = 2;

export function wireMessage(kind: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(WIRE_HEADER_BYTES + body.byteLength);
  message[0] = PROTOCOL_VERSION;
  message[1] = kind;
  message.set(body, WIRE_HEADER_BYTES);
  return message;
}

/** The kind of a message; null: there is no such kind. Throws version_mismatch; anything may follow the version. */
export function wireKind(message: Uint8Array): number | null {
  const [version, kind] = message;
  if (version === undefined || kind === undefined) return null;
  if (version !== PROTOCOL_VERSION) {
    throw new MeshError(
      'version_mismatch',
      'The other computer runs another version of LLMesh. Reload this page, or update the llmesh command.',
    );
  }
  return kind;
}
