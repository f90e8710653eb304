/** Carries out a request, and answers over HTTP: whole, or as a stream of events. */
import type { Clock } from '@llmesh/core/base/clock';
import type { PeerId } from '@llmesh/core/base/ids';
import { offerName } from '@llmesh/core/policy/offer-name';
import type { AccountNews } from '@llmesh/core/wire/credit-messages';
import type { AnswerWords, Heading, Said } from './answer-words.ts';
import { mostTokens, type AnswerNeeds, type Ending } from './answer.ts';
import { Choices, type ChoicesQuestion } from './choices.ts';
import type { ChoiceEvent } from './choice-event.ts';
import { EVENT_STREAM_HEADERS, eventStream } from './event-stream.ts';
import { quoteOf } from './quote.ts';
import { StreamWriter } from './stream-writer.ts';
import type { Models } from '../request/models.ts';
import type { Circles } from '../request/privacy.ts';
import type { Wish } from '../request/request-fields.ts';

export interface EndpointNeeds extends AnswerNeeds {
  models: Models;
  circles: Circles;
  clock: Clock;
  /** Milliseconds since 1970. */
  now: () => number;
  newId: () => string;
  /** Nobody is asked: the answer is what it would cost. */
  isDryRun: boolean;
  /** What the asker has. Null: the mesh says nothing about credits. */
  account: () => AccountNews | null;
}

export interface Respond {
  /** The questions, with one choice each, in order. */
  questions: readonly ChoicesQuestion[];
  words: AnswerWords;
  /** The beginning of its id. */
  kind: string;
}

/** Throws an `ApiError` while nothing has been answered yet. `signal`: the client is gone. */
export async function respond(
  { questions, words, kind }: Respond,
  { stream }: Pick<Wish, 'stream'>,
  needs: EndpointNeeds,
  signal: AbortSignal,
): Promise<Response> {
  const [first] = questions;
  const [offer] = first?.models ?? [];
  if (needs.isDryRun && offer !== undefined) {
    const units = questions.reduce((sum, { maxTokens }) => sum + mostTokens(maxTokens, offer), 0);
    return Response.json(quoteOf({ offer, units }, needs.account()));
  }
  const choices = new Choices(questions, needs, signal);
  const asked = questions[0]?.models[0];
  const heading: Heading = {
    id: `${kind}${needs.newId()}`,
    created: Math.floor(needs.now() / 1000),
    model: asked === undefined ? '' : offerName(asked),
  };
  try {
    if (!stream) return await whole(heading, words, questions.length, choices);
    await choices.begun;
    return streamed(new StreamWriter(choices.events, words.stream(heading)), choices, needs.clock);
  } catch (thrown) {
    choices.close();
    throw thrown;
  }
}

async function whole(heading: Heading, words: AnswerWords, count: number, choices: Choices): Promise<Response> {
  const said = Array.from({ length: count }, (): Said => ({ text: '', thoughts: '', calls: [], logprobs: [] }));
  const endings: Ending[] = [];
  for (let batch = await choices.events.take(); batch !== null; batch = await choices.events.take()) {
    for (const event of batch) {
      if (event.type === 'end') endings[event.index] = event.ending;
      else take(event, said[event.index]!);
    }
  }
  const model = endings[0]?.model ?? heading.model;
  const resumed = endings.some(({ providers }) => providers.length > 1);
  return Response.json(words.whole({ ...heading, model }, said, endings), {
    headers: { ...writtenBy(endings.flatMap(({ providers }) => providers)), 'x-llmesh-resumed': String(resumed) },
  });
}

function take(event: Exclude<ChoiceEvent, { type: 'end' }>, said: Said): void {
  if (event.type === 'text') {
    said.text += event.text;
    said.logprobs.push(...event.logprobs);
  } else if (event.type === 'thought') said.thoughts += event.text;
  else if (event.type === 'call') said.calls.push({ id: event.id, name: event.name, arguments: '' });
  else said.calls[event.call]!.arguments += event.text;
}

function streamed(writer: StreamWriter, choices: Choices, clock: Clock): Response {
  const stream = eventStream(
    () => writer.next(),
    () => choices.close(),
    clock,
  );
  return new Response(stream, { headers: { ...EVENT_STREAM_HEADERS, ...writtenBy([...choices.writers]) } });
}

/** What is known when the headers are written: the end of a stream says it in any case. */
function writtenBy(writers: readonly PeerId[]): Record<string, string> {
  return writers.length === 0 ? {} : { 'x-llmesh-provider': [...new Set(writers)].join(', ') };
}
