/** Texts as the bytes that are damaged. Broken UTF-8 is read with U+FFFD, as decoders of text do. */

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
