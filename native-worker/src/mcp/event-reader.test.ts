import { expect, it } from 'vitest';
import { eventData, wholeText } from './event-reader.ts';

async function* sent(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

it.each([1, 2, 3, 1000])('events are read however they are cut: %d bytes at a time', async (size) => {
  const text = ': wait\n\ndata: {"a":"é🙂"}\r\n\r\nevent: x\ndata:one\ndata: two\n\n\n\ndata: [DONE]\n\ndata: cut off';
  const read = [];
  for await (const data of eventData(sent(text, size))) read.push(data);
  expect(read).toEqual(['{"a":"é🙂"}', 'one\ntwo', '[DONE]']);
  expect(await wholeText(sent('é🙂', size))).toBe('é🙂');
});

it.each(['x', 'data: x\n'])('what never ends is given up: %j', async (part) => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.from(part.repeat(100));
  }
  await expect(wholeText(endless(), 10_000)).rejects.toMatchObject({ code: 'bad_message' });
  await expect(eventData(endless(), 10_000).next()).rejects.toMatchObject({ code: 'bad_message' });
});
