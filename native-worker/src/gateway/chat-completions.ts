/** `POST /v1/chat/completions`. */
import type { Clock } from '@llmesh/core/clock';
import type { PeerId } from '@llmesh/core/ids';
import type { AnswerNeeds, Ending } from './answer.ts';
import { parseChatRequest, type ChatRequest } from './chat-request.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { Choices, type ChoiceEvent, type ChoicesQuestion } from './choices.ts';
import { completionOf, type Heading, type Said } from './completion.ts';
import { EVENT_STREAM_HEADERS, eventStream } from './event-stream.ts';
import type { Models } from './models.ts';
import { whoMayRead, type Circles } from './privacy.ts';

export interface ChatNeeds extends AnswerNeeds {
  models: Models;
  circles: Circles;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  newId: () => string;
}

/** Throws an `ApiError` for what has not begun to be answered. `signal`: the client is gone. */
export async function chatCompletions(body: unknown, needs: ChatNeeds, signal: AbortSignal): Promise<Response> {
  const request = parseChatRequest(body);
  const question = questionOf(request, needs);
  const choices = new Choices(question, request.choices, needs, signal);
  const heading: Heading = {
    id: `chatcmpl-${needs.newId()}`,
    created: Math.floor(needs.now() / 1000),
    model: question.models[0]?.id ?? '',
  };
  try {
    if (!request.stream) return await whole(heading, request, choices);
    await choices.begun;
    return streamed(heading, request, choices, needs.clock);
  } catch (thrown) {
    choices.close();
    throw thrown;
  }
}

function questionOf(request: ChatRequest, { models, circles }: ChatNeeds): ChoicesQuestion {
  const { turns, sampling, maxTokens, stops, schema, tools, adapter } = request;
  return {
    ...{ turns, sampling, maxTokens, stops, tools },
    ...(schema !== null && { schema }),
    ...(adapter !== null && { adapter }),
    models: models.choose(request.models, adapter),
    ...whoMayRead(request, circles),
  };
}

async function whole(heading: Heading, request: ChatRequest, choices: Choices): Promise<Response> {
  const said = Array.from({ length: request.choices }, (): Said => ({ text: '', calls: [] }));
  const endings: Ending[] = [];
  for (let batch = await choices.events.take(); batch !== null; batch = await choices.events.take()) {
    for (const event of batch) {
      if (event.type === 'end') endings[event.index] = event.ending;
      else take(event, said[event.index]!);
    }
  }
  const model = endings[0]?.model ?? heading.model;
  const resumed = endings.some(({ providers }) => providers.length > 1);
  return Response.json(completionOf({ ...heading, model }, said, endings), {
    headers: { ...writtenBy(endings.flatMap(({ providers }) => providers)), 'x-llmesh-resumed': String(resumed) },
  });
}

function take(event: Exclude<ChoiceEvent, { type: 'end' }>, said: Said): void {
  if (event.type === 'text') said.text += event.text;
  else if (event.type === 'call') said.calls.push({ id: event.id, name: event.name, arguments: '' });
  else said.calls[event.call]!.arguments += event.text;
}

function streamed(heading: Heading, { includeUsage }: ChatRequest, choices: Choices, clock: Clock): Response {
  const writer = new ChunkWriter(choices.events, heading, includeUsage);
  const stream = eventStream(
    () => writer.next(),
    () => choices.close(),
    clock,
  );
  return new Response(stream, { headers: { ...EVENT_STREAM_HEADERS, ...writtenBy([...choices.writers]) } });
}

/** As far as it is known when the headers are written: the end of a stream says it in any case. */
function writtenBy(writers: readonly PeerId[]): Record<string, string> {
  return writers.length === 0 ? {} : { 'x-llmesh-provider': [...new Set(writers)].join(', ') };
}
