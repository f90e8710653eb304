/** The control plane's socket for peers and its HTTP, on real sockets. Only the clock is turned by hand, where a test needs it. */
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import * as v from 'valibot';
import type { ModelId } from '@llmesh/core/base/ids';
import { MAX_TO_SERVER_BYTES } from '@llmesh/core/wire/control-protocol';
import { MAX_LEASE_UNITS } from '@llmesh/core/receipts/lease';
import { PROTOCOL_VERSION } from '@llmesh/core/protocol';
import { ModelsPageSchema, PeersPageSchema, StatsSchema } from '@llmesh/core/wire/api-pages';
import { CLOSE, PING_MS } from './sockets/bounded-socket.ts';
import { HELLO_TIMEOUT_MS, MAX_BAD_MESSAGES } from './session/mesh-session.ts';
import { GONE_MS } from './registry/registry.ts';
import { MAX_WAITING_PER_PEER } from './match/queue-members.ts';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from './server.ts';
import { advertised, MeshPeer, newIdentity, TINY } from './testing/clients.ts';
import { ManualClock } from '@llmesh/core/testing/manual-clock';

const ADVERT = { type: 'advert', models: [advertised()], slots: 1, certificate: null };
const BEAT = { type: 'heartbeat', busySlots: 0, queued: 0, units: 5 };

const planes: ControlPlane[] = [];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmesh-page-'));
  await mkdir(join(folder, 'web', 'assets'), { recursive: true });
  await mkdir(join(folder, 'models', 'tiny'), { recursive: true });
  const files = {
    'web/index.html': '<!doctype html><title>LLMesh</title>',
    'web/sw.js': '//',
    'web/manifest.webmanifest': '{}',
    'web/.stamp': 'secret',
    'web/assets/a-123.js': '//',
    'web/assets/w-123.wasm': 'wasm',
    'models/catalogue.json': '{"models":[]}',
    'models/tiny/train.py': 'print()',
    'models/tiny/llmesh-tiny.gguf': '0123456789',
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(async () => {
  await Promise.all(planes.splice(0).map((plane) => plane.close()));
});

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const webFolder = join(folder, 'web');
  const modelsFolder = join(folder, 'models');
  const plane = await startControlPlane({
    port: 0,
    host: '127.0.0.1',
    webFolder,
    modelsFolder,
    joinWorkBits: 0,
    ...options,
  });
  planes.push(plane);
  return plane;
}

async function joined(plane: ControlPlane, ...how: Parameters<MeshPeer['join']>): Promise<MeshPeer> {
  const peer = new MeshPeer(plane.port);
  await peer.join(...how);
  await peer.says('welcome');
  return peer;
}

const get = (plane: ControlPlane, path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${plane.port}${path}`, init);
const metrics = async (plane: ControlPlane) => (await get(plane, '/metrics')).text();

describe('/mesh', () => {
  test('hello, advert and match: the requester finds the provider, and everybody hears what is offered', async () => {
    const iceServers = [{ urls: 'stun:stun.example.org' }];
    const plane = await start({ iceServers });
    const provider = new MeshPeer(plane.port);
    await provider.join('native');
    expect(await provider.says('welcome')).toEqual({
      type: 'welcome',
      version: PROTOCOL_VERSION,
      heartbeatMs: 1000,
      iceServers,
      signalToken: expect.any(String),
      issuer: expect.any(String),
      now: expect.closeTo(Date.now(), -5),
    });
    expect(await provider.says('offers')).toEqual({ type: 'offers', peers: 1, providers: 0, models: [] });
    const user = await joined(plane, 'browser');
    await user.says('offers');
    provider.send(ADVERT);
    expect(await user.says('offers')).toMatchObject({ providers: 1, models: [{ id: TINY, providers: 1, slots: 1 }] });
    const { lease, candidates } = await user.match(TINY, 7);
    expect(lease).toEqual(expect.any(String));
    expect(candidates).toEqual([
      {
        peerId: provider.id,
        agent: 'native',
        model: ADVERT.models[0],
        slots: 1,
        busySlots: 0,
        queued: 0,
        reliability: 0.9,
        certificate: null,
      },
    ]);
    expect((await user.match('unknown' as ModelId)).candidates).toEqual([]);
    expect((await user.match(TINY, 8, [provider.id])).candidates).toEqual([]);
    expect(await metrics(plane)).toMatch(/llmesh_matches_total\{found="yes"\} 1\n(.*\n)?.*found="no"\} 2/);
  });

  test('whoever was told of a provider hears that it is gone, and nobody else does', async () => {
    const plane = await start();
    const provider = await joined(plane);
    provider.send(ADVERT);
    await provider.settled();
    const [told, other] = [await joined(plane), await joined(plane)];
    await told.match(TINY);
    await told.settled();
    provider.ws.terminate();
    expect(await told.says('gone')).toEqual({ type: 'gone', peer: provider.id });
    await other.settled();
    other.send({ type: 'relay', requestId: 1, peer: provider.id });
    const next = await other.next('an answer', (message) => message?.type === 'gone' || message?.type === 'refused');
    expect(next).toMatchObject({ type: 'refused', requestId: 1 });
  });

  test('while all are busy a match waits in line and hears its place; a slot that is freed goes to the next', async () => {
    // Of so many from one network, not all get credits to begin with.
    const plane = await start({ credits: 'off' });
    const provider = await joined(plane);
    provider.send(ADVERT);
    provider.send({ ...BEAT, busySlots: 1 });
    await provider.settled();
    const [first, second, third] = [await joined(plane), await joined(plane), await joined(plane)];
    const ask = (peer: MeshPeer, requestId = 1) =>
      peer.send({ type: 'match', requestId, model: TINY, maxUnits: 64, exclude: [], only: null, prefer: null });
    for (const [i, peer] of [first, second, third].entries()) {
      ask(peer);
      // 200 tokens at 100 tokens a second.
      const estimateMs = expect.closeTo(2_000 * (i + 1), -3);
      expect(await peer.says('queued')).toEqual({ type: 'queued', requestId: 1, position: i + 1, estimateMs });
    }
    expect(await metrics(plane)).toContain('llmesh_waiting 3');
    first.ws.terminate();
    await first.end();
    second.send({ type: 'withdraw', requestId: 1 });
    expect(await third.says('queued')).toMatchObject({ position: 1 });
    provider.send(BEAT);
    const { requestId, lease, candidates } = await third.says('matched');
    expect({ requestId, lease, first: candidates[0]?.peerId }).toMatchObject({
      requestId: 1,
      lease: expect.any(String),
      first: provider.id,
    });
    expect(await metrics(plane)).toMatch(/llmesh_waiting 0\n(.*\n)*llmesh_promised_slots 1/);
    // It is kept for the third until that one does not want it.
    ask(second, 2);
    expect(await second.says('queued')).toMatchObject({ requestId: 2, position: 1 });
    third.send({ type: 'withdraw', requestId: 1 });
    expect(await second.says('matched')).toMatchObject({ requestId: 2 });
  });

  test('who asks for more than may wait is refused, by that request', async () => {
    const plane = await start();
    const provider = await joined(plane);
    provider.send(ADVERT);
    provider.send({ ...BEAT, busySlots: 1 });
    await provider.settled();
    const user = await joined(plane);
    for (let requestId = 1; requestId <= MAX_WAITING_PER_PEER + 1; requestId++) {
      user.send({ type: 'match', requestId, model: TINY, maxUnits: 64, exclude: [], only: null, prefer: null });
    }
    expect(await user.says('refused')).toMatchObject({ requestId: MAX_WAITING_PER_PEER + 1, code: 'busy' });
  });

  test.each([
    ['vanishes', 0.818],
    ['says goodbye', 0.9],
    ['is back with its task', 0.9],
  ])('a provider that %s in mid-answer counts accordingly when it is back', async (how, reliability) => {
    const plane = await start();
    const provider = await joined(plane);
    provider.send(ADVERT);
    provider.send({ ...BEAT, busySlots: 1 });
    if (how === 'says goodbye') provider.send({ type: 'bye' });
    else await provider.settled().then(() => provider.ws.terminate());
    await provider.end();
    const again = new MeshPeer(plane.port, provider.identity);
    await again.join();
    await again.says('welcome');
    again.send({ ...ADVERT, slots: 2 });
    again.send({ ...BEAT, busySlots: how === 'is back with its task' ? 1 : 0 });
    await again.settled();
    const user = await joined(plane);
    expect((await user.match(TINY)).candidates).toMatchObject([{ reliability: expect.closeTo(reliability, 3) }]);
  });

  test.each(['bye', 'a cut connection'])('%s takes a provider out at once', async (how) => {
    const plane = await start();
    const provider = await joined(plane);
    provider.send(ADVERT);
    const user = await joined(plane, 'browser');
    while ((await user.says('offers')).providers === 0);
    if (how === 'bye') provider.send({ type: 'bye' });
    else provider.ws.terminate();
    while ((await user.says('offers')).providers === 1);
    expect((await user.match(TINY)).candidates).toEqual([]);
  });

  test('a provider that falls silent is gone for everybody, and back with its next heartbeat', async () => {
    const clock = new ManualClock();
    // To put credits aside takes time, and here it stands still.
    const plane = await start({ clock, credits: 'off' });
    const provider = await joined(plane);
    provider.send(ADVERT);
    const user = await joined(plane, 'browser');
    await user.match(TINY);
    clock.turn(GONE_MS - 1000);
    expect((await user.match(TINY)).candidates).toEqual([]);
    clock.turn(2000);
    while ((await user.says('offers')).providers === 1);
    provider.send(BEAT);
    await provider.settled();
    expect((await user.match(TINY)).candidates).toHaveLength(1);
  });

  test('a second connection of a peer replaces the first', async () => {
    const plane = await start();
    const first = await joined(plane);
    first.send(ADVERT);
    const second = new MeshPeer(plane.port, first.identity);
    await second.join();
    await second.says('welcome');
    expect(await first.says('refused')).toMatchObject({ code: 'control_refused' });
    expect((await first.end()).code).toBe(CLOSE.replaced);
    expect(await (await get(plane, '/api/stats')).json()).toMatchObject({ peers: 1, providers: 0 });
    second.send(ADVERT);
    const user = await joined(plane);
    while ((await user.match(TINY)).candidates.length === 0);
  });
});

describe('bad input on /mesh', () => {
  test.each([
    ['no JSON', '{'],
    ['an unknown type', { type: 'shout' }],
    ['a wrong field', { ...BEAT, busySlots: -1 }],
    ['binary', Buffer.from('{"type":"bye"}')],
    [
      'another hello',
      { type: 'hello', version: PROTOCOL_VERSION, peerId: newIdentity().peerId, agent: 'native', key: null },
    ],
  ])('%s is refused, and after some the connection is closed', async (_what, frame) => {
    const plane = await start();
    const bystander = await joined(plane);
    const peer = await joined(plane);
    for (let i = 0; i < MAX_BAD_MESSAGES; i++) {
      peer.send(frame);
      expect(await peer.says('refused')).toMatchObject({ code: 'bad_message' });
    }
    expect((await peer.end()).code).toBe(CLOSE.badMessage);
    expect((await bystander.match(TINY)).candidates).toEqual([]);
    expect(await metrics(plane)).toContain(`llmesh_refused_total{plane="mesh",code="bad_message"} ${MAX_BAD_MESSAGES}`);
  });

  test('nothing goes before the hello', async () => {
    const plane = await start();
    const peer = new MeshPeer(plane.port);
    await peer.opened();
    peer.send(ADVERT);
    expect(await peer.says('refused')).toMatchObject({ code: 'bad_message', message: 'Say hello first.' });
  });

  test('no hello at all', async () => {
    const clock = new ManualClock();
    const plane = await start({ clock });
    const peer = new MeshPeer(plane.port);
    await peer.opened();
    clock.turn(PING_MS);
    await peer.settled();
    clock.turn(HELLO_TIMEOUT_MS - PING_MS);
    expect((await peer.end()).code).toBe(CLOSE.helloTimeout);
  });

  test.each([
    ['browser', 1, 'This page is from an older version. Reload it.'],
    ['browser', 99, 'This page is from an older version. Reload it.'],
    ['native', 1, 'This program and the mesh run different versions. Update it.'],
  ] as const)('another version: %s, %i', async (agent, version, message) => {
    const plane = await start();
    const peer = new MeshPeer(plane.port);
    await peer.join(agent, version);
    expect(await peer.says('refused')).toMatchObject({ code: 'version_mismatch', message });
    expect((await peer.end()).code).toBe(CLOSE.versionMismatch);
  });

  test('a message over the limit', async () => {
    const plane = await start();
    const bystander = await joined(plane);
    const peer = await joined(plane);
    const text = (length: number) => 'x'.repeat(length);
    peer.send(text(MAX_TO_SERVER_BYTES + 1));
    expect(await peer.says('refused')).toMatchObject({
      code: 'message_too_large',
      message: expect.stringContaining('Lend fewer'),
    });
    peer.send(text(4 * MAX_TO_SERVER_BYTES + 1));
    expect((await peer.end()).code).toBe(1009);
    expect((await bystander.match(TINY)).candidates).toEqual([]);
    expect(await metrics(plane)).toContain('llmesh_refused_total{plane="mesh",code="message_too_large"} 2');
  });

  test.each([
    ['heartbeats', BEAT],
    ['adverts', { ...ADVERT, models: Array.from({ length: 16 }, (_, i) => advertised(`model-${i}` as ModelId)) }],
    ['matches', { type: 'match', requestId: 1, model: TINY, maxUnits: 1, exclude: [], only: null, prefer: null }],
  ])('a flood of %s is first warned of, then closed, and only for the flooder', async (_what, message) => {
    const plane = await start({ clock: new ManualClock() });
    const bystander = await joined(plane);
    const peer = await joined(plane);
    for (let i = 0; i < 500; i++) peer.send(message);
    expect(await peer.says('refused')).toMatchObject({ code: 'rate_limited' });
    expect((await peer.end()).code).toBe(CLOSE.rateLimited);
    expect((await bystander.match(TINY)).candidates).toEqual([]);
  });

  test('connections of other origins, of too many from one address, to nowhere', async () => {
    const plane = await start({ maxPerAddress: 2, allowedOrigins: ['https://friend.example'] });
    const status = (origin?: string) =>
      new MeshPeer(plane.port, newIdentity(), origin === undefined ? {} : { origin }).opened();
    expect(await status('https://evil.example')).toBe(403);
    expect(await status('null')).toBe(403);
    expect(await status(`http://127.0.0.1:${plane.port}`)).toBe(101);
    expect(await status('https://friend.example')).toBe(101);
    expect(await status()).toBe(429);
    expect(await metrics(plane)).toContain('llmesh_refused_total{plane="mesh",code="forbidden_origin"} 2');
  });
});

describe('HTTP', () => {
  test('the API says what the schemas promise', async () => {
    const plane = await start();
    const provider = await joined(plane);
    provider.send(ADVERT);
    provider.send(BEAT);
    await provider.match('other' as ModelId);
    const read = async (path: string) => {
      const response = await get(plane, path);
      expect(response.headers.get('cache-control')).toBe('no-store');
      return await response.json();
    };
    expect(v.parse(PeersPageSchema, await read('/api/peers')).peers).toMatchObject([{ peerId: provider.id, slots: 1 }]);
    expect(v.parse(ModelsPageSchema, await read('/api/models')).models).toMatchObject([{ id: TINY, providers: 1 }]);
    expect(v.parse(StatsSchema, await read('/api/stats'))).toMatchObject({ peers: 1, providers: 1, matches: 1 });
    expect(await read('/healthz')).toEqual({ status: 'ok' });
    const text = await metrics(plane);
    expect(text).toContain('llmesh_sockets{kind="mesh"} 1');
    expect(text).toContain('process_cpu_seconds_total');
    expect((await get(plane, '/api/peers', { method: 'POST' })).status).toBe(405);
    expect(await (await get(plane, '/api/nothing')).json()).toMatchObject({ error: { code: 'not_found' } });
  });

  test('a page that did not change is not sent again', async () => {
    const plane = await start();
    const first = await get(plane, '/api/models');
    const etag = first.headers.get('etag') ?? '';
    expect(first.headers.get('content-length')).toBe(String((await first.text()).length));
    const again = await get(plane, '/api/models', { headers: { 'If-None-Match': etag } });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  test.each(['after=nobody', 'after=a&after=b', 'limit=0', 'limit=1.5', 'limit=many'])(
    'peers behind nobody, or so many of them as cannot be, are a bad request: %s',
    async (query) => {
      const plane = await start();
      const response = await get(plane, `/api/peers?${query}`);
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: expect.objectContaining({ code: 'bad_request' }) },
      ]);
    },
  );

  test('an answer can be as long as a model remembers, and no longer', async () => {
    const plane = await start();
    const peer = await joined(plane);
    const ask = { type: 'match', requestId: 1, model: TINY, exclude: [], only: null, prefer: null };
    for (let i = 0; i <= MAX_BAD_MESSAGES; i++) peer.send({ ...ask, maxUnits: 1e15 });
    expect(await peer.says('refused')).toMatchObject({ requestId: 1, code: 'bad_message' });
    peer.send({ ...ask, requestId: 2, maxUnits: MAX_LEASE_UNITS });
    expect(await peer.says('matched')).toMatchObject({ requestId: 2 });
  });

  test('too many requests from one address', async () => {
    const plane = await start({ clock: new ManualClock() });
    const all = await Promise.all(
      Array.from({ length: 210 }, () => get(plane, '/api/stats').then((r) => (r.body?.cancel(), r.status))),
    );
    expect(all.filter((status) => status === 429)).toHaveLength(10);
  });

  test('the page at all of its addresses, files with their type and cache', async () => {
    const plane = await start();
    const seen = async (path: string) => {
      const response = await get(plane, path);
      const text = await response.text();
      return [response.status, response.headers.get('content-type'), response.headers.get('cache-control'), text];
    };
    const page = [200, 'text/html; charset=UTF-8', 'no-cache', '<!doctype html><title>LLMesh</title>'];
    for (const path of ['/', '/donate', '/network/', '/DONATE', '/settings', '/c/abcdefgh234567ab'])
      expect(await seen(path)).toEqual(page);
    const immutable = 'public, max-age=31536000, immutable';
    expect((await seen('/assets/a-123.js')).slice(0, 3)).toEqual([
      200,
      'application/javascript; charset=UTF-8',
      immutable,
    ]);
    expect((await seen('/assets/w-123.wasm')).slice(0, 3)).toEqual([200, 'application/wasm', immutable]);
    expect((await seen('/sw.js'))[2]).toBe('no-cache');
    expect((await seen('/manifest.webmanifest')).slice(1, 3)).toEqual(['application/manifest+json', 'no-cache']);
    expect((await seen('/models/catalogue.json')).slice(0, 3)).toEqual([
      200,
      'application/json; charset=UTF-8',
      'no-cache',
    ]);
    for (const path of ['/.stamp', '/models/tiny/train.py', '/nothing', '/%E0%A4'])
      expect((await seen(path))[0]).toBe(404);
  });

  test('to a visitor the page itself says that there is no page, and a missing file is no page', async () => {
    const plane = await start();
    const seen = async (path: string) => {
      const response = await get(plane, path, { headers: { accept: 'text/html,*/*;q=0.8' } });
      return [response.status, await response.text()];
    };
    for (const path of ['/nowhere', '/donate/more', '/c/a/b'])
      expect(await seen(path)).toEqual([404, '<!doctype html><title>LLMesh</title>']);
    for (const path of ['/assets/gone-123.js', '/models/gone.gguf'])
      expect(await seen(path)).toEqual([404, expect.stringContaining('Nothing here')]);
  });

  test('model files in ranges', async () => {
    const plane = await start();
    const response = await get(plane, '/models/tiny/llmesh-tiny.gguf', { headers: { range: 'bytes=2-4' } });
    expect([response.status, await response.text()]).toEqual([206, '234']);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
  });

  test.each(['/', '/nothing', '/api/stats', '/models/catalogue.json', '/signal', '/metrics'])(
    '%s carries the headers that isolate and protect the page',
    async (path) => {
      const { headers } = await get(await start(), path);
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('cross-origin-embedder-policy')).toBe('require-corp');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('permissions-policy')).toBe('camera=(self), microphone=(self), geolocation=()');
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/,
      );
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('access-control-allow-origin')).toBeNull();
    },
  );

  test('a page that was not built says so', async () => {
    const response = await get(await start({ webFolder: join(folder, 'nowhere') }), '/donate');
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('npm start')]);
  });

  test('an upgrade to nowhere', async () => {
    const plane = await start();
    for (const path of ['/nowhere', '//', '/signal']) {
      const status = await new Promise((resolve, reject) => {
        const headers = { connection: 'upgrade', upgrade: 'websocket' };
        const request = httpRequest({ port: plane.port, host: '127.0.0.1', path, headers });
        request.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
        request.end();
      });
      expect(status).toBe(404);
    }
  });
});

test('a port in use is named, with what to do', async () => {
  const { port } = await start();
  await expect(start({ port })).rejects.toMatchObject({
    code: 'port_in_use',
    message: `Port ${port} is in use: is a mesh already running there? Stop it, or choose another with PORT=${port + 1} npm start.`,
  });
});

test('closing says goodbye to everybody, and twice is once', async () => {
  const plane = await start();
  const peer = await joined(plane);
  await Promise.all([plane.close(), plane.close()]);
  expect((await peer.end()).code).toBe(CLOSE.goingAway);
  await expect(get(plane, '/healthz')).rejects.toThrow();
});
