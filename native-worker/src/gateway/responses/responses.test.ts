/** `/v1/responses` on a memory mesh: real requester, worker and links; scripted engines, virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { faults } from '../testing/conformance.ts';
import { GatewayWorld, type Answered } from '../testing/gateway-world.ts';
import { namedEventsOf } from '../testing/named-events.ts';

let gateway = new GatewayWorld();
beforeEach(() => {
  gateway = new GatewayWorld();
});
afterEach(() => gateway.close());

const words = ['one ', 'two ', 'three ', 'four '];
const json = ({ text }: Answered) => JSON.parse(text);
const ask = (body: object) => gateway.whole(gateway.post('/v1/responses', { input: 'why?', ...body }));
const parameters = { type: 'object', properties: { at: { type: 'integer' } }, required: ['at'] };
const LOOK = { type: 'function', name: 'look', strict: true, parameters };

async function provide(engine = new ScriptedEngine(words)): Promise<ScriptedEngine> {
  await gateway.world.provide(engine);
  let ids = 0;
  await gateway.open(['m'], { newId: () => `id${++ids}` });
  return engine;
}

describe('a response', () => {
  it('comes whole', async () => {
    await provide();
    const answered = await ask({ instructions: 'Be short.', metadata: { a: 'b' } });
    expect(answered.status).toBe(200);
    expect(faults('Response', json(answered))).toEqual([]);
    expect(json(answered)).toMatchObject({
      id: 'resp_id2',
      status: 'completed',
      instructions: 'Be short.',
      metadata: { a: 'b' },
      output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: words.join('') }] }],
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    });
  });

  it('streams as numbered events, of which the last has all of it', async () => {
    await provide();
    const { text } = await ask({ stream: true });
    const events = namedEventsOf(text);
    expect(events.flatMap((event) => faults('ResponseStreamEvent', event))).toEqual([]);
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index));
    expect([...new Set(events.map(({ type }) => type))]).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const deltas = events.filter(({ type }) => type === 'response.output_text.delta');
    expect(deltas.map(({ delta }) => delta).join('')).toBe(words.join(''));
    expect(events.at(-1)).toMatchObject({
      response: { status: 'completed', output: [{ content: [{ text: words.join('') }] }] },
    });
  });

  it('is incomplete where it was cut, whole and streamed', async () => {
    const engine = await provide();
    engine.finish = 'length';
    const cut = { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
    expect(json(await ask({ max_output_tokens: 4 }))).toMatchObject({ ...cut, output: [{ status: 'incomplete' }] });
    const events = namedEventsOf((await ask({ max_output_tokens: 4, stream: true })).text);
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: cut });
  });

  it('that breaks off says so in a way that no client takes for an end', async () => {
    const engine = await provide();
    engine.failAfter = { words: 2, error: new MeshError('bad_schema', 'It broke.') };
    const events = namedEventsOf((await ask({ stream: true })).text);
    expect(events.slice(-2)).toMatchObject([
      { type: 'error', message: 'It broke.', error: { code: 'bad_schema' } },
      { type: 'response.failed', response: { status: 'failed', error: { message: 'It broke.' } } },
    ]);
    expect(faults('ResponseStreamEvent', events.at(-1))).toEqual([]);
  });
});

describe('a kept response', () => {
  it('is continued, read and deleted by its id', async () => {
    const engine = await provide();
    const first = json(await ask({ instructions: 'Be short.' }));
    const second = json(await ask({ input: 'and then?', previous_response_id: first.id }));
    expect(second.previous_response_id).toBe(first.id);
    expect(engine.turns.at(-1)).toEqual([
      { role: 'user', content: 'why?' },
      { role: 'assistant', content: words.join('') },
      { role: 'user', content: 'and then?' },
    ]);
    const read = await gateway.whole(gateway.fetch(`/v1/responses/${second.id}`));
    expect(json(read)).toEqual(second);
    const items = await gateway.whole(gateway.fetch(`/v1/responses/${second.id}/input_items`));
    expect(json(items).data).toEqual([{ role: 'user', content: 'and then?' }]);
    const gone = await gateway.whole(gateway.fetch(`/v1/responses/${second.id}`, { method: 'DELETE' }));
    expect(json(gone)).toEqual({ id: second.id, object: 'response', deleted: true });
    expect((await gateway.whole(gateway.fetch(`/v1/responses/${second.id}`))).status).toBe(404);
  });

  it('lends its items by their ids', async () => {
    const engine = await provide();
    const first = json(await ask({}));
    await ask({
      input: [
        { role: 'user', content: 'why?' },
        { type: 'item_reference', id: first.output[0].id },
        { role: 'user', content: 'go on' },
      ],
    });
    expect(engine.turns.at(-1)?.map(({ content }) => content)).toEqual(['why?', words.join(''), 'go on']);
  });

  it('is not kept where the request says so', async () => {
    await provide();
    const { id } = json(await ask({ store: false }));
    const answered = await ask({ previous_response_id: id });
    expect(answered.status).toBe(400);
    expect(json(answered).error).toMatchObject({ code: 'previous_response_not_found', param: 'previous_response_id' });
  });
});

describe('a request that cannot be carried out', () => {
  it.each([
    [{ input: undefined }, 'input'],
    [{ tools: [{ type: 'web_search' }] }, 'tools[0].type'],
    [{ tools: [{ ...LOOK, name: 'not a name' }] }, 'tools[0].name'],
    [{ tools: [LOOK], tool_choice: { type: 'file_search' } }, 'tool_choice'],
    [{ text: { format: { type: 'json_schema', name: 'x' } } }, 'text.format.schema'],
    [{ max_output_tokens: 0.5 }, 'max_output_tokens'],
    [{ max_tokens: 5 }, 'max_tokens'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
    [{ truncation: 'auto' }, 'truncation'],
    [{ include: ['everything'] }, 'include[0]'],
    [{ input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] }, 'input[0].call_id'],
    [{ instructions: 'z', input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] }, 'input[0].call_id'],
    [{ input: [{ type: 'item_reference', id: 'msg_0' }] }, 'input[0].id'],
    [{ instructions: 'z', input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'input[0].content[0]'],
  ])('names what is wrong with %j', async (body, param) => {
    await provide();
    const answered = await ask(body);
    expect(answered.status).toBe(400);
    expect(json(answered).error.param).toBe(param);
    expect(faults('ErrorObject', json(answered).error)).toEqual([]);
  });

  it('is refused before the first event where nobody lends the model', async () => {
    await provide();
    const answered = await ask({ model: 'other', stream: true });
    expect(answered.status).toBe(404);
    expect(json(answered).error).toMatchObject({ code: 'model_not_found', param: 'model' });
  });
});
