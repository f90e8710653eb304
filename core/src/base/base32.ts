/** Lower-case base32 (RFC 4648 §6) without the padding: survives PeerJS, URLs, file names and reading aloud. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
/** Two characters at once, for every ten bits. */
const PAIRS = Array.from({ length: 1024 }, (_, bits) => ALPHABET.charAt(bits >> 5) + ALPHABET.charAt(bits & 31));
/** The values by character code; 255: not in the alphabet. */
const VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < 32; value++) VALUES[ALPHABET.charCodeAt(value)] = value;

export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  // Five bytes are four pairs.
  for (; at + 5 <= bytes.byteLength; at += 5) {
    const high = (bytes[at]! << 12) | (bytes[at + 1]! << 4) | (bytes[at + 2]! >> 4);
    const low = ((bytes[at + 2]! & 15) << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!;
    text += PAIRS[high >> 10]! + PAIRS[high & 1023]! + PAIRS[low >> 10]! + PAIRS[low & 1023]!;
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
  const { length } = text;
  const bytes = new Uint8Array(Math.floor((length * 5) / 8));
  let at = 0;
  let i = 0;
  // Eight characters are five bytes. What is not in the alphabet has bits above the lowest five, which `all` gathers.
  for (let all = 0; i + 8 <= length; i += 8) {
    const a = valueAt(text, i);
    const b = valueAt(text, i + 1);
    const c = valueAt(text, i + 2);
    const d = valueAt(text, i + 3);
    const e = valueAt(text, i + 4);
    const f = valueAt(text, i + 5);
    const g = valueAt(text, i + 6);
    const h = valueAt(text, i + 7);
    all |= a | b | c | d | e | f | g | h;
    if (all > 31) return null;
    bytes[at] = (a << 3) | (b >> 2);
    bytes[at + 1] = (b << 6) | (c << 1) | (d >> 4);
    bytes[at + 2] = (d << 4) | (e >> 1);
    bytes[at + 3] = (e << 7) | (f << 2) | (g >> 3);
    bytes[at + 4] = (g << 5) | h;
    at += 5;
  }
  let bits = 0;
  let bitCount = 0;
  for (; i < length; i++) {
    const value = valueAt(text, i);
    if (value > 31) return null;
    bits = (bits << 5) | value;
    bitCount += 5;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[at++] = bits >> bitCount;
    bits &= (1 << bitCount) - 1;
  }
  return bitCount < 5 && bits === 0 ? bytes : null;
}

/** 255: it is not in the alphabet. */
function valueAt(text: string, i: number): number {
  const code = text.charCodeAt(i);
  return code < 128 ? VALUES[code]! : 255;
}
