/** Any server that speaks OpenAI's chat completions, by plain fetch and server-sent events. */
import type { Lane, Stream } from './lane.ts';

const DATA = 'data: ';

/** `baseUrl` ends in `/v1`. Without a model it takes the first that the server lists. */
export async function openOpenAiLane(name: string, baseUrl: string, model?: string): Promise<Lane> {
  const id = model ?? (await firstModel(baseUrl));
  return {
    name,
    pid: null,
    async ask(turns, maxTokens) {
      const response = await fetch(`${baseUrl}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: id,
          messages: turns,
          temperature: 0,
          max_tokens: maxTokens,
          stream: true,
          stream_options: { include_usage: true },
        }),
      });
      if (!response.ok || response.body === null) {
        throw new Error(`${name} answered ${response.status}: ${await response.text()}`);
      }
      return read(name, response.body);
    },
    close: () => Promise.resolve(),
  };
}

interface Chunk {
  choices: { delta: { content?: string | null } }[];
  usage?: { completion_tokens: number } | null;
}

async function read(name: string, body: ReadableStream<Uint8Array>): Promise<Stream> {
  let firstMs: number | null = null;
  let tokens: number | null = null;
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith(DATA) || line === `${DATA}[DONE]`) continue;
      const chunk = JSON.parse(line.slice(DATA.length)) as Chunk;
      if (chunk.choices.some(({ delta }) => (delta.content ?? '') !== '')) firstMs ??= performance.now();
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
  }
  if (firstMs === null || tokens === null) throw new Error(`${name} broke off, or does not count its tokens`);
  return { tokens, firstMs, endMs: performance.now() };
}

async function firstModel(baseUrl: string): Promise<string> {
  const response = await fetch(`${baseUrl}/models`);
  const { data } = (await response.json()) as { data?: { id: string }[] };
  const id = data?.[0]?.id;
  if (id === undefined) throw new Error(`${baseUrl} offers no model`);
  return id;
}
