/** Lower-case base32 (RFC 4648 §6) without the padding: survives PeerJS, URLs, file names and reading aloud. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

export function toBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
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

/** The bytes, or null for another alphabet, a length that no bytes have, or leftover bits that are not zero. */
export function fromBase32(text: string): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let at = 0;
  let bits = 0;
  let bitCount = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return null;
    bits = (bits << 5) | value;
    bitCount += 5;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes[at++] = bits >> bitCount;
    bits &= (1 << bitCount) - 1;
  }
  return bitCount < 5 && bits === 0 ? bytes : null;
}
