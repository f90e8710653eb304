/** Decodes the text of a file or a request: editors of Windows put a byte order mark before it, or write UTF-16. */

const MARK = '\ufeff';

/** UTF-8, with or without a byte order mark; UTF-16 with one. The mark is left out. */
export function decoded(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    // An odd byte at the end is not half of anything.
    return Buffer.from(bytes.subarray(2, bytes.byteLength - (bytes.byteLength % 2)))
      .swap16()
      .toString('utf16le');
  }
  const text = bytes.toString('utf8');
  return text.startsWith(MARK) ? text.slice(MARK.length) : text;
}
