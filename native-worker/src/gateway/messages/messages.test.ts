/** `/v1/messages` on a memory mesh: real requester, worker and links; scripted engines, virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { anthropicFaults } from '../testing/conformance.ts';
import { GatewayWorld, type Answered } from '../testing/gateway-world.ts';
import { namedEventsOf } from '../testing/named-events.ts';

let gateway = new GatewayWorld();
beforeEach(() => {
  gateway = new GatewayWorld();
});
afterEach(() => gateway.close());

const words = ['one ', 'two ', 'three ', 'four '];
const json = ({ text }: Answered) => JSON.parse(text);
const request = { max_tokens: 100, messages: [{ role: 'user', content: 'why?' }] };
const ask = (body: object, path = '/v1/messages') => gateway.whole(gateway.post(path, { ...request, ...body }));

async function provide(): Promise<ScriptedEngine> {
  const engine = new ScriptedEngine(words);
  await gateway.world.provide(engine);
  await gateway.open();
  return engine;
}

describe('a message', () => {
  it('comes whole', async () => {
    const engine = await provide();
    const answered = await ask({ system: 'Be short.' });
    expect(answered.status).toBe(200);
    expect(anthropicFaults('Message', json(answered))).toEqual([]);
    expect(json(answered)).toMatchObject({
      id: 'msg_id',
      model: 'm',
      content: [{ type: 'text', text: words.join('') }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 3, output_tokens: 4 },
    });
    expect(answered.headers.get('request-id')).toBe('req_id');
    expect(engine.turns[0]).toEqual([
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'why?' },
    ]);
  });

  it('streams, and says before which text it ended', async () => {
    await provide();
    const events = namedEventsOf((await ask({ stream: true, stop_sequences: ['nine', 'three'] })).text);
    const known = events.filter(({ type }) => type !== 'ping');
    expect(known.flatMap((event) => anthropicFaults('RawMessageStreamEvent', event))).toEqual([]);
    const texts = events.flatMap(({ delta }) => (delta as { text?: string } | undefined)?.text ?? []);
    expect(texts.join('')).toBe('one two ');
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'stop_sequence', stop_sequence: 'three' } });
  });

  it('that breaks off ends with an error', async () => {
    const engine = await provide();
    engine.failAfter = { words: 2, error: new MeshError('bad_schema', 'It broke.') };
    const events = namedEventsOf((await ask({ stream: true })).text);
    expect(anthropicFaults('ErrorResponse', events.at(-1))).toEqual([]);
    expect(events.at(-1)).toMatchObject({ error: { message: 'It broke.' }, request_id: 'req_id' });
  });
});

describe('the length of a question', () => {
  it('is what a volunteer says, who is stopped then', async () => {
    const engine = await provide();
    const answered = await ask({ max_tokens: undefined }, '/v1/messages/count_tokens');
    expect(json(answered)).toEqual({ input_tokens: 3 });
    await gateway.world.clock.advance(1_000);
    expect(engine.computing).toBe(0);
  });
});

describe('a request that cannot be carried out', () => {
  it.each([
    [{ max_tokens: undefined }, '"max_tokens" is missing'],
    [{ messages: [] }, 'message'],
    [{ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'web_search_20250305'],
    [{ tools: [{ name: 'not a name', input_schema: { type: 'object' } }] }, '"tools[0].name"'],
    [{ tool_choice: { type: 'tool' }, tools: [{ name: 'a', input_schema: { type: 'object' } }] }, 'tool_choice.name'],
    [{ mcp_servers: [{ url: 'https://a' }] }, 'mcp_servers'],
    [{ n: 2 }, '"n"'],
    [{ context_management: { edits: [{ type: 'compact_20260112' }] } }, 'taken out'],
    [
      { messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }] },
      'No call before it has this id',
    ],
  ])('is an error in the shape of this API: %j', async (body, message) => {
    await provide();
    const answered = await ask(body);
    expect(answered.status).toBe(400);
    expect(anthropicFaults('ErrorResponse', json(answered))).toEqual([]);
    expect(json(answered).error).toEqual({ type: 'invalid_request_error', message: expect.stringContaining(message) });
  });

  it('has its kind by its status', async () => {
    await provide();
    expect(json(await ask({ model: 'other' })).error.type).toBe('not_found_error');
    const stranger = await gateway.whole(gateway.post('/v1/messages', request, { host: 'evil.example' }));
    expect(json(stranger).error.type).toBe('authentication_error');
  });
});
