/** The gateway's routes on a memory mesh: real requester, worker and links; scripted engines, virtual time. */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { advert } from '@llmesh/core/testing/scripted-server';
import { ScriptedEngine } from '@llmesh/core/testing/scripted-engine';
import { faults } from './testing/conformance.ts';
import { contentOf, eventsOf, GatewayWorld } from './testing/gateway-world.ts';

let gateway = new GatewayWorld();
beforeEach(() => {
  gateway = new GatewayWorld();
});
afterEach(() => gateway.close());

const words = ['one ', 'two ', 'three ', 'four '];
/** Words that come when `release` is called, and not before. */
function held(engine: ScriptedEngine): () => void {
  let release = () => {};
  engine.hold = new Promise((resolve) => {
    release = () => {
      engine.hold = null;
      resolve();
    };
  });
  return release;
}
const json = ({ text }: { text: string }) => JSON.parse(text);

describe('an answer', () => {
  it('comes whole, with who wrote it and what it took', async () => {
    const { mesh } = await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open();
    const answered = await gateway.whole(gateway.chat({}));
    expect(answered.status).toBe(200);
    expect(faults('ChatCompletion', json(answered))).toEqual([]);
    expect(json(answered)).toMatchObject({
      id: 'chatcmpl-id',
      model: 'm',
      choices: [{ message: { role: 'assistant', content: words.join('') }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    });
    expect(Object.fromEntries(answered.headers)).toMatchObject({
      'x-request-id': 'req_id',
      'x-llmesh-provider': mesh.self,
      'x-llmesh-resumed': 'false',
      'x-llmesh-checks': 'allowed',
    });
    const checked = async (body: object, headers: Record<string, string> = {}) => {
      const { headers: said } = await gateway.whole(gateway.chat(body, { headers }));
      return said.get('x-llmesh-checks');
    };
    expect(await checked({}, { 'x-llmesh-checks': 'declined' })).toBe('declined');
    expect(await checked({ provider: { only: [mesh.self] } })).toBe('declined');
    await gateway.open(['m'], { checks: false });
    expect(await checked({ stream: true })).toBe('declined');
  });

  it('streams in chunks, with its usage where that is asked for', async () => {
    const { mesh } = await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open();
    const { text, headers } = await gateway.whole(
      gateway.chat({ stream: true, stream_options: { include_usage: true } }),
    );
    const events = eventsOf(text);
    const chunks = events.slice(0, -1);
    expect(chunks.flatMap((chunk) => faults('ChatCompletionChunk', chunk))).toEqual([]);
    expect(events.at(-1)).toBe('[DONE]');
    expect(chunks.slice(0, -1)).toEqual(chunks.slice(0, -1).map((chunk) => ({ ...(chunk as object), usage: null })));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 4 } });
    expect(contentOf(text)).toBe(words.join(''));
    expect(chunks.at(-2)).toMatchObject({
      choices: [{ finish_reason: 'stop', llmesh: { provider: mesh.self, resumed: false, path: 'direct' } }],
    });
    expect(headers.get('x-llmesh-provider')).toBe(mesh.self);
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  });

  it.each([[false], [true]])('ends before a stop sequence, and its provider with it (stream: %s)', async (stream) => {
    const engine = new ScriptedEngine([...words, ...words, ...words, ...words]);
    const { statuses } = await gateway.world.provide(engine, 1, 2);
    await gateway.open();
    const { text } = await gateway.whole(gateway.chat({ stream, stop: ['o th'] }));
    if (stream) expect(contentOf(text)).toBe('one tw');
    else
      expect(JSON.parse(text)).toMatchObject({
        choices: [{ message: { content: 'one tw' }, finish_reason: 'stop' }],
        usage: { prompt_tokens: 3, completion_tokens: 3 },
      });
    await gateway.world.clock.advance(1_000);
    expect(engine.computing).toBe(0);
    expect(statuses.at(-1)).toMatchObject({ busySlots: 0, answers: 0 });
  });

  it('is written once for each choice', async () => {
    await gateway.world.provide(new ScriptedEngine(words), 4);
    await gateway.open();
    const { text } = await gateway.whole(gateway.chat({ stream: true, n: 3, seed: 5 }));
    expect([0, 1, 2].map((index) => contentOf(text, index))).toEqual([0, 1, 2].map(() => words.join('')));
    const answered = json(await gateway.whole(gateway.chat({ n: 3 })));
    expect(faults('ChatCompletion', answered)).toEqual([]);
    expect(answered).toMatchObject({ choices: { length: 3 }, usage: { prompt_tokens: 3, completion_tokens: 12 } });
  });

  it('that its provider leaves is resumed by another, and says so', async () => {
    const first = new ScriptedEngine(words);
    first.failAfter = { words: 2, error: new MeshError('device_lost', 'The GPU is gone.') };
    const gone = await gateway.world.provide(first);
    const heir = await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open();
    const answered = await gateway.whole(gateway.chat({}));
    expect(json(answered)).toMatchObject({
      choices: [
        {
          message: { content: words.join('') },
          llmesh: { resumed: true, providers: [gone.mesh.self, heir.mesh.self] },
        },
      ],
    });
    expect(answered.headers.get('x-llmesh-resumed')).toBe('true');
  });

  it('that nobody can continue waits for somebody who can', async () => {
    const first = new ScriptedEngine(words);
    first.failAfter = { words: 2, error: new MeshError('device_lost', 'The GPU is gone.') };
    const gone = await gateway.world.provide(first);
    await gateway.open();
    const response = gateway.chat({ stream: true });
    await gateway.world.clock.advance(500);
    await gone.providing.stop();
    await gateway.world.clock.advance(10_000);
    const heir = new ScriptedEngine(words);
    await gateway.world.provide(heir);
    const { text } = await gateway.whole(response);
    expect(contentOf(text)).toBe(words.join(''));
    expect(heir.prefixes).toMatchObject([{ text: 'one two ', tokens: 2 }]);
  });

  it('that breaks off for good ends with an error event', async () => {
    const engine = new ScriptedEngine(words);
    engine.failAfter = { words: 2, error: new MeshError('prompt_too_long', 'It does not fit.') };
    await gateway.world.provide(engine);
    await gateway.open();
    const { text, status } = await gateway.whole(gateway.chat({ stream: true }));
    expect(status).toBe(200);
    const last = eventsOf(text).at(-1) as { error: object };
    expect(last).toMatchObject({ error: { code: 'context_length_exceeded', param: 'messages' } });
    expect(faults('ErrorObject', last.error)).toEqual([]);
  });
});

describe('how likely the words were', () => {
  const told = (text: string) => ({ token: text, logprob: -1, bytes: [...Buffer.from(text)], top_logprobs: [] });
  const able = { ...advert, abilities: ['logprobs' as const, 'completion' as const] };

  it('stands beside them, whole and in chunks, and ends where they end', async () => {
    await gateway.world.provide(new ScriptedEngine(words), 1, null, able);
    await gateway.open();
    const asked = { logprobs: true, stop: 'o th' };
    const whole = json(await gateway.whole(gateway.chat(asked)));
    expect(faults('ChatCompletion', whole)).toEqual([]);
    // "two " is cut in the middle.
    expect(whole.choices[0]).toMatchObject({ message: { content: 'one tw' }, logprobs: { content: [told('one ')] } });
    const { text } = await gateway.whole(gateway.chat({ ...asked, stop: [], stream: true }));
    const chunks = eventsOf(text).slice(0, -1);
    expect(chunks.flatMap((chunk) => faults('ChatCompletionChunk', chunk))).toEqual([]);
    const odds = chunks.flatMap((chunk) => (chunk === '[DONE]' ? [] : (chunk.choices?.[0]?.logprobs?.content ?? [])));
    expect(odds).toEqual(words.map(told));
  });

  it('is told of bare text as OpenAI once did', async () => {
    await gateway.world.provide(new ScriptedEngine(words), 1, null, able);
    await gateway.open();
    const whole = json(await gateway.whole(gateway.complete({ prompt: 'So:', logprobs: 0 })));
    expect(faults('Completion', whole)).toEqual([]);
    expect(whole.choices[0].logprobs).toMatchObject({ tokens: words, token_logprobs: [-1, -1, -1, -1] });
    expect(whole.choices[0].logprobs.text_offset).toEqual([0, 4, 8, 14]);
  });
});

describe('bare text', () => {
  const able = { ...advert, abilities: ['completion' as const] };

  it('is continued, each prompt as often as asked for', async () => {
    await gateway.world.provide(new ScriptedEngine(words), 4, null, able);
    await gateway.open();
    const asked = { prompt: ['a', 'b'], n: 2, echo: true };
    const whole = json(await gateway.whole(gateway.complete(asked)));
    expect(faults('Completion', whole)).toEqual([]);
    expect(whole).toMatchObject({ id: 'cmpl-id', object: 'text_completion', usage: { prompt_tokens: 6 } });
    const texts = ['a', 'a', 'b', 'b'].map((prompt) => prompt + words.join(''));
    expect(whole.choices.map(({ text }: { text: string }) => text)).toEqual(texts);

    const { text } = await gateway.whole(
      gateway.complete({ ...asked, stream: true, stream_options: { include_usage: true } }),
    );
    const chunks = eventsOf(text).slice(0, -1);
    const of = (index: number) =>
      chunks.flatMap((chunk) => (chunk === '[DONE]' ? [] : (chunk.choices ?? []))).filter((one) => one.index === index);
    expect(
      texts.map((_, index) =>
        of(index)
          .map((choice) => choice.text)
          .join(''),
      ),
    ).toEqual(texts);
    expect(texts.map((_, index) => of(index).at(-1)?.finish_reason)).toEqual(texts.map(() => 'stop'));
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 6, completion_tokens: 16 } });
  });

  it('goes to nobody who only chats', async () => {
    await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open();
    const { status, text } = await gateway.whole(gateway.complete({ prompt: 'a' }));
    expect([status, JSON.parse(text).error.message]).toEqual([503, expect.stringContaining('bare text')]);
  });
});

describe('a client that goes away', () => {
  it.each([[false], [true]])('stops the provider (stream: %s)', async (stream) => {
    const engine = new ScriptedEngine(words);
    held(engine);
    const { statuses } = await gateway.world.provide(engine);
    await gateway.open();
    const leaving = new AbortController();
    const response = gateway.chat({ stream }, { signal: leaving.signal });
    if (stream) {
      await gateway.world.clock.advance(3_000);
      const { body } = await response;
      expect(engine.computing).toBe(1);
      await body?.cancel();
    } else {
      await gateway.world.clock.advance(100);
      expect(engine.computing).toBe(1);
      leaving.abort();
      expect((await response).status).toBe(499);
    }
    await gateway.world.clock.advance(100);
    expect(engine.computing).toBe(0);
    expect(statuses.at(-1)?.busySlots).toBe(0);
  });

  it('that reads no more is cut off after a minute', async () => {
    const engine = new ScriptedEngine(Array.from({ length: 50 }, () => 'word '));
    await gateway.world.provide(engine, 1, 0.5);
    await gateway.open();
    const response = gateway.chat({ stream: true });
    await gateway.world.clock.advance(3_000);
    const reader = (await response).body?.getReader();
    await reader?.read();
    await gateway.world.clock.advance(61_000);
    await expect(reader?.read()).rejects.toThrow('stopped reading');
    expect(engine.computing).toBe(0);
  });
});

describe('a client that has to wait', () => {
  it('is told so, and is not disconnected', async () => {
    await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open();
    gateway.world.server.busy = true;
    const response = gateway.chat({ stream: true });
    await gateway.world.clock.advance(100);
    const { status, body } = await response;
    expect(status).toBe(200);
    const reader = body!.getReader();
    const first = reader.read();
    await gateway.world.clock.advance(10_000);
    expect(new TextDecoder().decode((await first).value)).toMatch(/^: /);
    gateway.world.server.busy = false;
    gateway.world.server.callNext();
    const second = reader.read();
    await gateway.world.clock.advance(100);
    expect(new TextDecoder().decode((await second).value)).toContain('one ');
  });

  it('is told after five minutes that nobody had time', async () => {
    await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open();
    gateway.world.server.busy = true;
    const response = gateway.chat({});
    for (let s = 0; s < 302; s++) {
      gateway.world.server.tellPlaces();
      await gateway.world.clock.advance(1_000);
    }
    const { status, headers } = await response;
    expect([status, headers.get('retry-after')]).toEqual([503, '10']);
    expect(gateway.world.server.line).toHaveLength(0);
  });

  it('asks the mesh in turn: no more wait there at once than one peer may', async () => {
    await gateway.world.provide(new ScriptedEngine(words), 2);
    await gateway.open();
    gateway.world.server.busy = true;
    const responses = Array.from({ length: 20 }, () => gateway.chat({}));
    await gateway.world.clock.advance(100);
    expect(gateway.world.server.line).toHaveLength(6);
    gateway.world.server.busy = false;
    while (gateway.world.server.line.length > 0) gateway.world.server.callNext();
    const all = await Promise.all(responses.map((response) => gateway.whole(response)));
    expect(all.map(({ status }) => status)).toEqual(responses.map(() => 200));
  });
});

describe('who answers', () => {
  it('is the first model of the list that can', async () => {
    await gateway.world.provide(new ScriptedEngine(words));
    await gateway.open(['other', 'm']);
    const answered = await gateway.whole(gateway.chat({ model: 'gone', models: ['other', 'm'] }));
    expect(json(answered)).toMatchObject({ model: 'm', choices: [{ message: { content: words.join('') } }] });
  });

  it('is no other model, and nobody a second later, where a form broke two volunteers', async () => {
    const broken = Array.from({ length: 2 }, () => new ScriptedEngine(['{']));
    for (const engine of broken) {
      engine.failAfter = { words: 0, error: new MeshError('engine_failed', 'llama.cpp is gone.') };
      await gateway.world.provide(engine, 1, null, { ...advert, abilities: ['schema'] });
    }
    const spared = new ScriptedEngine(['{']);
    await gateway.world.provide(spared, 1, null, { ...advert, id: 'other' as ModelId, abilities: ['schema'] });
    await gateway.open(['m', 'other']);
    const form = { type: 'object', properties: {}, required: [], additionalProperties: false };
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: form, strict: true } };
    const answered = await gateway.whole(gateway.chat({ models: ['other'], response_format }));
    expect([answered.status, json(answered).error.code]).toEqual([422, 'question_breaks']);
    expect([...broken, spared].map(({ prefixes }) => prefixes.length)).toEqual([1, 1, 0]);
    expect(gateway.world.clock.now()).toBeLessThan(5_000);
  });

  it('is never one who is ignored, and only those who are named', async () => {
    const [a, b] = [
      await gateway.world.provide(new ScriptedEngine(['A'])),
      await gateway.world.provide(new ScriptedEngine(['B'])),
    ];
    await gateway.open();
    const ask = async (provider: object) =>
      json(await gateway.whole(gateway.chat({ provider }))).choices[0].message.content;
    expect(await ask({ ignore: [a.mesh.self] })).toBe('B');
    expect(await ask({ ignore: [b.mesh.self] })).toBe('A');
    expect(await ask({ only: [b.mesh.self] })).toBe('B');
    const nobody = await gateway.whole(gateway.chat({ provider: { only: [newPeerId()] } }));
    expect([nobody.status, json(nobody).error.code]).toEqual([503, 'no_trusted_provider']);
    const contradiction = await gateway.whole(
      gateway.chat({ provider: { only: [a.mesh.self], ignore: [a.mesh.self] } }),
    );
    expect([contradiction.status, json(contradiction).error.param]).toEqual([400, 'provider']);
  });

  it('is the one who answered before in the same conversation', async () => {
    const a = await gateway.world.provide(new ScriptedEngine(['A']));
    await gateway.world.provide(new ScriptedEngine(['B']));
    await gateway.open();
    const user = (content: string) => ({ role: 'user', content });
    const begin = [user('Begin.')];
    const further = [...begin, { role: 'assistant', content: 'B' }, user('And then?')];
    const ask = async (messages: object[], provider = {}) =>
      json(await gateway.whole(gateway.chat({ messages, provider }))).choices[0].message.content;
    expect(await ask(begin, { ignore: [a.mesh.self] })).toBe('B');
    expect(await ask(further)).toBe('B');
    expect(await ask([user('Another.'), ...further.slice(1)])).toBe('A');
  });

  it('is of the circle that the request wants', async () => {
    const [a, b] = [
      await gateway.world.provide(new ScriptedEngine(['A'])),
      await gateway.world.provide(new ScriptedEngine(['B'])),
    ];
    await gateway.open(['m'], { circles: { own: [], trusted: [b.mesh.self] } });
    expect(json(await gateway.whole(gateway.chat({ privacy: 'trusted' }))).choices[0].message.content).toBe('B');
    const own = await gateway.whole(gateway.chat({ privacy: 'own' }));
    expect([own.status, json(own).error.param]).toEqual([400, 'privacy']);
    const neither = await gateway.whole(gateway.chat({ privacy: 'trusted', provider: { only: [a.mesh.self] } }));
    expect(neither.status).toBe(400);
  });
});

describe('an error', () => {
  it('has the status and the shape that clients of OpenAI know', async () => {
    await gateway.open(['lent']);
    const post = (path: string, init: RequestInit = {}) => gateway.fetch(path, { method: 'POST', ...init });
    const nested = (key: string) => `{"${key}":${'{"items":'.repeat(200_000)}1${'}'.repeat(200_001)}`;
    const cases: [Promise<Response>, number, string][] = [
      [gateway.chat({ model: 'none' }), 404, 'model_not_found'],
      [gateway.chat({ model: 'lent' }), 503, 'no_provider'],
      [gateway.chat({ model: 'lent', stream: true }), 503, 'no_provider'],
      [gateway.chat({ model: 'lent', store: true }), 400, 'unsupported_parameter'],
      [gateway.chat({ model: 'lent', logprobs: true }), 503, 'no_provider'],
      [gateway.chat({ model: 'lent', response_format: { type: 'json_object' } }), 503, 'no_provider'],
      [gateway.chat({}, { body: '{"model":' }), 400, 'invalid_json'],
      [gateway.chat({}, { body: nested('response_format') }), 400, 'invalid_schema'],
      [gateway.chat({}, { body: nested('messages') }), 400, 'invalid_value'],
      [gateway.chat({}, { body: '['.repeat(2_000_000) }), 400, 'invalid_value'],
      [gateway.chat({}, { headers: { 'content-type': 'text/plain' } }), 415, 'unsupported_media_type'],
      [gateway.chat({}, { headers: { 'content-encoding': 'gzip' } }), 415, 'unsupported_media_type'],
      [gateway.chat({}, { body: gzipSync('{}') }), 415, 'unsupported_media_type'],
      [gateway.chat({}, { body: Buffer.from('\ufeff{"model":"m"}', 'utf16le') }), 415, 'unsupported_media_type'],
      [gateway.chat({}, { body: '\ufeff{"model":"none","messages":[]}' }), 400, 'invalid_value'],
      [gateway.chat({}, { body: 'x'.repeat(2_097_153) }), 413, 'request_too_large'],
      [gateway.fetch('/v1/models/none'), 404, 'model_not_found'],
      [gateway.fetch('/v1/models/a/b'), 404, 'model_not_found'],
      [gateway.fetch('/v1/nothing'), 404, 'not_found'],
      [post('/chat/completions'), 404, 'not_found'],
      [gateway.fetch('/'), 404, 'not_found'],
      [post('/v1/completions'), 415, 'unsupported_media_type'],
      [gateway.fetch('/v1/models', { headers: { host: 'rebound.example' } }), 401, 'invalid_api_key'],
    ];
    for (const [response, status, code] of cases) {
      const answered = await gateway.whole(response);
      expect([answered.status, json(answered).error.code]).toEqual([status, code]);
      expect(faults('ErrorObject', json(answered).error)).toEqual([]);
      expect(answered.headers.get('x-request-id')).toBe('req_id');
    }
    expect(gateway.failures).toEqual([]);
  });

  it('is none because of slashes that stand twice or at the end', async () => {
    await gateway.open(['maker/m']);
    const statuses = ['/v1/models/', '//v1/models', '/v1//models//maker/m/', '/v1/models/maker%2Fm'].map(
      async (path) => (await gateway.fetch(path)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 200, 200]);
    const asked = gateway.chat({ model: 'none' }, { method: 'POST' });
    const twice = gateway.fetch('/v1//chat/completions/', {
      method: 'POST',
      body: JSON.stringify({ model: 'none', messages: [{ role: 'user', content: 'why?' }] }),
      headers: { 'content-type': 'application/json' },
    });
    expect(json(await gateway.whole(twice))).toEqual(json(await gateway.whole(asked)));
  });

  it('says where the API begins to a client whose base URL is too short', async () => {
    await gateway.open(['lent']);
    const { error } = json(await gateway.whole(gateway.fetch('/chat/completions', { method: 'POST' })));
    expect(error.message).toContain('End the base URL of your client with /v1.');
    expect(error.message).toContain('POST /v1/chat/completions');
  });

  it('names what would work', async () => {
    await gateway.open(['lent', 'other']);
    const answered = await gateway.whole(gateway.chat({ model: 'none' }));
    expect(json(answered).error.message).toContain('Available: lent, other.');
  });
});

describe('a page of another site', () => {
  it('may read nothing, unless its origin was named', async () => {
    const origin = 'https://friend.example';
    const preflight = { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } };
    await gateway.open();
    expect(
      (await gateway.fetch('/v1/chat/completions', preflight)).headers.get('access-control-allow-origin'),
    ).toBeNull();
    await gateway.open(['m'], { origins: [origin] });
    const allowed = await gateway.fetch('/v1/chat/completions', preflight);
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    const other = { ...preflight, headers: { ...preflight.headers, origin: 'https://foe.example' } };
    expect((await gateway.fetch('/v1/models', other)).headers.get('access-control-allow-origin')).toBeNull();
  });
});

it('lists the models that are lent, with what clients look for', async () => {
  await gateway.open(['a', 'b'], { embeds: { b: 4 }, abilities: ['schema', 'penalties'] });
  const { data } = json(await gateway.whole(gateway.fetch('/v1/models')));
  expect(data).toMatchObject([
    {
      id: 'a',
      owned_by: 'llmesh',
      context_length: 2048,
      max_model_len: 2048,
      architecture: { output_modalities: ['text'] },
      supported_parameters: expect.arrayContaining(['tools', 'response_format', 'presence_penalty', 'stop']),
      llmesh: { task: 'chat', abilities: ['schema', 'penalties'], quant: 'q8', sha256: null, vector_size: null },
    },
    {
      id: 'b',
      architecture: { output_modalities: ['embeddings'] },
      supported_parameters: [],
      llmesh: { task: 'embedding' },
    },
  ]);
  expect(data[0].supported_parameters).not.toContain('logprobs');
  expect(data.flatMap((model: unknown) => faults('Model', model))).toEqual([]);
  expect(json(await gateway.whole(gateway.fetch('/v1/models/a')))).toEqual(data[0]);
  await vi.waitFor(() => expect(gateway.failures).toEqual([]));
});
