/** Reads the answers of an API: as a whole, or as server-sent events. What comes is bounded, whoever sends it. */
import { MeshError } from '@llmesh/core/base/errors';

/** The longest event and the longest whole answer: thousands of vectors fit. */
const MAX_CHARACTERS = 64 << 20;

export type Body = AsyncIterable<Uint8Array>;

/** Throws bad_message for what is too long. */
export async function wholeText(body: Body, most = MAX_CHARACTERS): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > most) throw tooLong();
  }
  return text + decoder.decode();
}

/** The data of each event; comments are left out: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export async function* eventData(body: Body, most = MAX_CHARACTERS): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let unread = '';
  let data: string[] = [];
  for await (const bytes of body) {
    // Only what is new is looked through, so that a line without an end costs no more than its length.
    const [rest = '', ...others] = decoder.decode(bytes, { stream: true }).split('\n');
    const lines = [unread + rest, ...others];
    unread = lines.pop() ?? '';
    for (const ended of lines) {
      const line = ended.replace(/\r$/, '');
      if (line.startsWith('data:')) data.push(line.slice('data:'.length).replace(/^ /, ''));
      if (line !== '' || data.length === 0) continue;
      yield data.join('\n');
      data = [];
    }
    if (unread.length + data.reduce((sum, line) => sum + line.length, 0) > most) throw tooLong();
  }
}

function tooLong(): MeshError {
  return new MeshError('bad_message', 'The answer is longer than any answer should be. Ask for less at once.');
}
