/** Chat completions without any client, for editors that put their requests together themselves. */
import assert from 'node:assert/strict';
import type { CompatMesh } from './compat-mesh.ts';

interface Delta {
  content?: string | null;
  tool_calls?: { index: number; id?: string; function?: { name?: string; arguments?: string } }[];
}

export interface Call {
  id: string;
  name: string;
  arguments: string;
}

/** The deltas of a streamed answer, as soon as they come. */
export async function* deltas(mesh: CompatMesh, body: object, signal?: AbortSignal): AsyncGenerator<Delta> {
  const response = await fetch(`${mesh.url}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${mesh.key}`, accept: 'text/event-stream' },
    body: JSON.stringify({ model: mesh.model, stream: true, stream_options: { include_usage: true }, ...body }),
    ...(signal !== undefined && { signal }),
  });
  if (!response.ok) throw new HttpError(response.status, await response.text());
  const decoder = new TextDecoder();
  let held = '';
  for await (const bytes of response.body ?? []) {
    const events = (held + decoder.decode(bytes, { stream: true })).split('\n\n');
    held = events.pop() ?? '';
    for (const event of events) {
      if (!event.startsWith('data: ') || event === 'data: [DONE]') continue;
      const chunk = JSON.parse(event.slice('data: '.length)) as { error?: object; choices?: { delta: Delta }[] };
      assert.equal(chunk.error, undefined);
      for (const { delta } of chunk.choices ?? []) yield delta;
    }
  }
}

/** All of a streamed answer, put together. */
export async function wholeOf(stream: AsyncIterable<Delta>): Promise<{ text: string; calls: Call[] }> {
  let text = '';
  const calls: Call[] = [];
  for await (const { content, tool_calls: parts = [] } of stream) {
    text += content ?? '';
    for (const { index, id, function: called } of parts) {
      const call = (calls[index] ??= { id: '', name: '', arguments: '' });
      call.id += id ?? '';
      call.name += called?.name ?? '';
      call.arguments += called?.arguments ?? '';
    }
  }
  return { text, calls };
}

export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(body);
    this.status = status;
  }
}
