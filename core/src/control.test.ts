import { describe, expect, it } from 'vitest';
import { ControlClient, type SocketLike } from './control.ts';
import { newPeerId, type ModelId } from './ids.ts';
import { ManualClock } from './manual-clock.ts';
import { PROTOCOL_VERSION, type FromServer, type ToServer } from './protocol.ts';

/** A socket whose other end is the test. */
class ScriptedSocket implements SocketLike {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  sent: ToServer[] = [];
  closed = false;

  send(json: string): void {
    this.sent.push(JSON.parse(json) as ToServer);
  }
  close(): void {
    this.closed = true;
  }
  say(message: FromServer | string): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.onmessage?.({ data } as never);
  }
  welcome(): void {
    this.onopen?.(undefined as never);
    this.say({ type: 'welcome', version: PROTOCOL_VERSION, heartbeatMs: 1000, iceServers: [] });
  }
  types(): string[] {
    return this.sent.map(({ type }) => type);
  }
}

function setUp() {
  const clock = new ManualClock();
  const sockets: ScriptedSocket[] = [];
  const client = new ControlClient({
    url: 'ws://mesh/mesh',
    self: newPeerId(),
    agent: 'browser',
    openSocket: () => {
      const socket = new ScriptedSocket();
      sockets.push(socket);
      return socket;
    },
    clock,
    random: () => 0.5,
  });
  client.start();
  return { clock, sockets, client, last: () => sockets.at(-1)! };
}

const never = new AbortController().signal;
const model = 'm' as ModelId;
const advert = {
  id: model,
  name: 'M',
  quant: 'q4',
  format: 'gguf',
  backend: 'cpu',
  contextTokens: 2048,
  sha256: null,
  tokensPerSecond: null,
} as const;

describe('the control connection', () => {
  it('says hello first, then what it offers, then that it lives', async () => {
    const { clock, client, last } = setUp();
    client.advertise([advert], 2);
    last().welcome();
    expect(client.state).toBe('open');
    await clock.advance(2_000);
    expect(last().types()).toEqual(['hello', 'advert', 'heartbeat', 'heartbeat', 'heartbeat']);
  });

  it('comes back by itself, with its advert', async () => {
    const { clock, client, sockets, last } = setUp();
    client.advertise([advert], 2);
    last().welcome();
    last().onclose?.(undefined as never);
    expect(client.state).toBe('connecting');
    await clock.advance(1_000);
    expect(sockets.length).toBe(2);
    last().welcome();
    expect(client.state).toBe('open');
    expect(last().types()).toContain('advert');
  });

  it('tries less and less often while nobody answers', async () => {
    const { clock, sockets } = setUp();
    await clock.advance(120_000);
    expect(sockets.length).toBeGreaterThan(3);
    expect(sockets.length).toBeLessThan(20);
  });

  it('reports a taken slot at once, and each token once', async () => {
    const { clock, client, last } = setUp();
    client.advertise([advert], 1);
    last().welcome();
    client.report({ busySlots: 1, queued: 0, tokens: 0, tokensPerSecond: null });
    client.report({ busySlots: 1, queued: 0, tokens: 30, tokensPerSecond: 12 });
    await clock.advance(1_000);
    client.report({ busySlots: 0, queued: 0, tokens: 40, tokensPerSecond: 12 });
    const beats = last().sent.filter((message) => message.type === 'heartbeat');
    expect(beats.map(({ busySlots, tokens }) => [busySlots, tokens])).toEqual([
      [0, 0],
      [1, 0],
      [1, 30],
      [0, 10],
    ]);
  });

  it('matches, and fails in words when the server is away, slow or unwilling', async () => {
    const { clock, client, last } = setUp();
    const early = client.match(model, [], never).catch((error: unknown) => error);
    await clock.advance(5_001);
    expect(await early).toMatchObject({ code: 'control_unreachable' });

    last().welcome();
    const answered = client.match(model, [], never);
    last().say({ type: 'matched', requestId: 1, candidates: [] });
    expect(await answered).toEqual([]);

    const refused = client.match(model, [], never).catch((error: unknown) => error);
    last().say({ type: 'refused', requestId: 2, code: 'rate_limited', message: 'Too many questions at once.' });
    expect(await refused).toMatchObject({ code: 'rate_limited' });

    const slow = client.match(model, [], never).catch((error: unknown) => error);
    await clock.advance(5_001);
    expect(await slow).toMatchObject({ code: 'control_unreachable' });

    const cut = client.match(model, [], never).catch((error: unknown) => error);
    last().onclose?.(undefined as never);
    expect(await cut).toMatchObject({ code: 'control_unreachable' });
  });

  it('drops the wait for a match when asked to', async () => {
    const { client, last } = setUp();
    last().welcome();
    const abort = new AbortController();
    const match = client.match(model, [], abort.signal).catch((error: unknown) => error);
    abort.abort();
    expect(await match).toMatchObject({ code: 'cancelled' });
  });

  it.each(['version_mismatch', 'control_refused'] as const)('stays away when refused for good: %s', async (code) => {
    const { clock, client, sockets, last } = setUp();
    last().onopen?.(undefined as never);
    last().say({ type: 'refused', code, message: 'Reload this page.' });
    last().onclose?.(undefined as never);
    await clock.advance(60_000);
    expect(client.state).toBe('refused');
    expect(client.refusal?.message).toBe('Reload this page.');
    expect(sockets.length).toBe(1);
  });

  it('shrugs off what it does not understand', () => {
    const { client, last } = setUp();
    last().welcome();
    for (const junk of ['', '{', 'null', '{"type":"evil"}', '{"type":"matched"}', '[]'.repeat(1000)]) last().say(junk);
    expect(client.state).toBe('open');
  });

  it('says goodbye', async () => {
    const { clock, client, last, sockets } = setUp();
    last().welcome();
    client.close();
    client.close();
    await clock.advance(60_000);
    expect(last().types().at(-1)).toBe('bye');
    expect([last().closed, sockets.length, client.state]).toEqual([true, 1, 'closed']);
  });
});
