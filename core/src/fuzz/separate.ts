/** Joins several messages into one input, so that damage can also fall between them: each follows its length in two bytes. */

export function joined(messages: readonly Uint8Array[]): Uint8Array {
  const input = new Uint8Array(messages.reduce((sum, { byteLength }) => sum + 2 + byteLength, 0));
  let at = 0;
  for (const message of messages) {
    input[at] = message.byteLength & 0xff;
    input[at + 1] = message.byteLength >> 8;
    input.set(message, at + 2);
    at += 2 + message.byteLength;
  }
  return input;
}

/** Any bytes can be read as messages; the last one may be cut short. */
export function separate(input: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 2 <= input.byteLength;) {
    const length = input[at]! | (input[at + 1]! << 8);
    messages.push(input.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return messages;
}
