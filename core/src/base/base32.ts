/** Lower-case base32 (RFC 4648 §6) without the padding: survives PeerJS, URLs, file names and reading aloud. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const CODES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** The values by character code; 255: not in the alphabet. */
const VALUES = new Uint8Array(256).fill(255);
for (let value = 0; value < 32; value++) VALUES[ALPHABET.charCodeAt(value)] = value;
/** The ten bits of two characters at once, by their codes as they lie in memory. */
const NO_PAIR = 0xffff;
const PAIR_VALUES = new Uint16Array(65_536).fill(NO_PAIR);
const PAIR = new Uint8Array(2);
const PAIR_IN_MEMORY = new Uint16Array(PAIR.buffer);
for (let bits = 0; bits < 1024; bits++) {
  PAIR[0] = CODES[bits >> 5]!;
  PAIR[1] = CODES[bits & 31]!;
  PAIR_VALUES[PAIR_IN_MEMORY[0]!] = bits;
}
/** Where texts are put to be read; longer ones get a place of their own. */
const encoder = new TextEncoder();
const place = new Uint16Array(2_048);
const placeCodes = new Uint8Array(place.buffer);

export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  // Five bytes are eight characters.
  for (; at + 5 <= bytes.byteLength; at += 5) {
    const high = (bytes[at]! << 12) | (bytes[at + 1]! << 4) | (bytes[at + 2]! >> 4);
    const low = ((bytes[at + 2]! & 15) << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
    // Eight at a time: a text that grows by single characters is a chain of as many objects.
    text += String.fromCharCode(
      CODES[high >> 15]!,
      CODES[(high >> 10) & 31]!,
      CODES[(high >> 5) & 31]!,
      CODES[high & 31]!,
      CODES[low >> 15]!,
      CODES[(low >> 10) & 31]!,
      CODES[(low >> 5) & 31]!,
      CODES[low & 31]!,
    );
  }
  let bits = 0;
  let bitCount = 0;
  for (; at < bytes.byteLength; at++) {
    bits = (bits << 8) | bytes[at]!;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += ALPHABET[(bits >> bitCount) & 31];
    }
    bits &= 31;
  }
  if (bitCount > 0) text += ALPHABET[(bits << (5 - bitCount)) & 31];
  return text;
}

/** Returns the bytes, or null for another alphabet, an impossible length, or leftover bits that are not zero. */
export function fromBase32(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(base32Bytes(text));
  return readBase32(text, bytes) ? bytes : null;
}

/** How many bytes a text of this length stands for. */
export function base32Bytes({ length }: string): number {
  return Math.floor((length * 5) / 8);
}

/** As `fromBase32`, into as many bytes as `base32Bytes` says: whoever reads much gets its memory in larger pieces. */
export function readBase32(text: string, into: Uint8Array): boolean {
  const { length } = text;
  const fits = length <= placeCodes.length;
  const pairs = fits ? place : new Uint16Array((length + 1) >> 1);
  const codes = fits ? placeCodes : new Uint8Array(pairs.buffer);
  const { read, written } = encoder.encodeInto(text, codes);
  // What is not ASCII takes more bytes than it has characters.
  if (read !== length || written !== length) return false;
  let at = 0;
  let all = 0;
  const whole = length & ~7;
  // Eight characters are five bytes. What is no pair has bits above the lowest ten, which `all` gathers.
  for (let i = 0; i < whole; i += 8) {
    const a = PAIR_VALUES[pairs[i >> 1]!]!;
    const b = PAIR_VALUES[pairs[(i >> 1) + 1]!]!;
    const c = PAIR_VALUES[pairs[(i >> 1) + 2]!]!;
    const d = PAIR_VALUES[pairs[(i >> 1) + 3]!]!;
    all |= a | b | c | d;
    into[at] = a >> 2;
    into[at + 1] = (a << 6) | (b >> 4);
    into[at + 2] = (b << 4) | (c >> 6);
    into[at + 3] = (c << 2) | (d >> 8);
    into[at + 4] = d;
    at += 5;
  }
  if (all > 1023) return false;
  let bits = 0;
  let bitCount = 0;
  for (let i = whole; i < length; i++) {
    const value = VALUES[codes[i]!]!;
    if (value > 31) return false;
    bits = (bits << 5) | value;
    bitCount += 5;
    if (bitCount < 8) continue;
    bitCount -= 8;
    into[at++] = bits >> bitCount;
    bits &= (1 << bitCount) - 1;
  }
  return bitCount < 5 && bits === 0;
}
