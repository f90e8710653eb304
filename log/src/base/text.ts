/** Bytes and text of notes: UTF-8, with no control characters but the newline. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
// oxlint-disable-next-line no-control-regex -- They are what must not be there.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const NO_NAME = /[\p{White_Space}+]/u;

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Null: these bytes are no UTF-8, or hold a control character that no note may have. */
export function noteText(bytes: Uint8Array): string | null {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    // A TypeError is how the decoder says that it is no UTF-8.
    return null;
  }
  return CONTROL.test(text) ? null : text;
}

/** Whether the text can be written as the bytes of a note, and read again. */
export function isNoteText(text: string): boolean {
  return !CONTROL.test(text) && !LONE_SURROGATE.test(text);
}

/** The name of a key: not empty, without spaces of any script, and without a plus. */
export function isKeyName(name: string): boolean {
  return name !== '' && isNoteText(name) && !name.includes('\n') && !NO_NAME.test(name);
}
