import { describe, expect, it } from 'vitest';
import { Channel, type Message } from './channel.ts';
import type { MeshError } from '../base/errors.ts';
import { MessageReader, writeMessage } from '../wire/frame.ts';
import { newPeerId, newTaskId } from '../base/ids.ts';
import { chatRequest, textChunk } from '../testing/task-messages.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { MAX_FRAGMENT_BYTES, MAX_INPUT_BYTES, type DataMessage } from '../protocol.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, type Link } from '../transport/transport.ts';

/** A link whose other end reads when the test says so. */
class HeldLink implements Link {
  readonly peer = newPeerId();
  receive: ((fragment: Uint8Array) => void) | null = null;
  drained: (() => void) | null = null;
  closed: (() => void) | null = null;
  bufferedBytes = 0;
  mostBuffered = 0;
  open = true;

  send(fragment: Uint8Array): void {
    this.bufferedBytes += fragment.byteLength;
    this.mostBuffered = Math.max(this.mostBuffered, this.bufferedBytes);
  }

  close(): void {
    this.open = false;
  }

  prologue(): Uint8Array {
    return new Uint8Array(0);
  }

  path(): Promise<null> {
    return Promise.resolve(null);
  }
}

function setUp() {
  const clock = new ManualClock();
  const link = new HeldLink();
  const heard: Message[] = [];
  const ends: (MeshError | null)[] = [];
  const channel = new Channel(link, clock, {
    message: (_channel, message) => heard.push(message),
    closed: (_channel, reason) => ends.push(reason),
  });
  const hear = (message: DataMessage) => writeMessage(message, (fragment) => link.receive?.(fragment));
  return { clock, link, channel, heard, ends, hear };
}

const taskId = newTaskId();
const ack: DataMessage = { kind: 'TASK_ACK', taskId, acknowledgement: new Uint8Array(170) };

describe('a channel that is full', () => {
  function full() {
    const world = setUp();
    world.link.bufferedBytes = HIGH_WATER_BYTES + 1;
    let room = false;
    void world.channel.drain().then(() => (room = true));
    return { ...world, hasRoom: () => room };
  }

  it('continues when the link says that there is room', async () => {
    const { clock, link, hasRoom } = full();
    await clock.advance(0);
    expect(hasRoom()).toBe(false);
    link.drained?.();
    await clock.advance(0);
    expect(hasRoom()).toBe(true);
  });

  it('continues when there is room and the link does not say so', async () => {
    const { clock, link, ends, hasRoom } = full();
    await clock.advance(5_000);
    expect(hasRoom()).toBe(false);
    link.bufferedBytes = LOW_WATER_BYTES;
    await clock.advance(500);
    expect(hasRoom()).toBe(true);
    await clock.advance(60_000);
    expect(ends).toEqual([]);
  });

  it('is closed when the other end takes next to nothing for half a minute', async () => {
    const { clock, link, ends, hasRoom } = full();
    for (let second = 0; second < 29; second++) {
      link.bufferedBytes -= 1;
      await clock.advance(1_000);
    }
    expect(hasRoom()).toBe(false);
    await clock.advance(2_000);
    expect(hasRoom()).toBe(true);
    expect(ends).toMatchObject([{ code: 'provider_lost' }]);
    expect(link.open).toBe(false);
  });
});

it('says what to do when the other end speaks another version', () => {
  const { link, ends } = setUp();
  link.receive?.(new Uint8Array([1, 1, 0xc0]));
  expect(ends).toMatchObject([
    { code: 'version_mismatch', message: expect.stringContaining('Reload this page, or update the llmesh command.') },
  ]);
  expect(link.open).toBe(false);
});

describe('a peer that asks and does not read', () => {
  it('costs so much memory and no more', async () => {
    const { clock, link, ends, hear } = setUp();
    for (let second = 0; second < 3_600 && link.open; second++) {
      for (let i = 0; i < 200; i++) hear({ kind: 'PING', nonce: i, reply: false });
      await clock.advance(1_000);
    }
    expect(ends).toMatchObject([{ code: 'provider_lost' }]);
    expect(link.mostBuffered).toBeLessThanOrEqual(2 * HIGH_WATER_BYTES + MAX_FRAGMENT_BYTES);
  });
});

describe('a peer that asks too often', () => {
  it.each<[string, DataMessage]>([
    ['PING', { kind: 'PING', nonce: 1, reply: false }],
    ['PING reply', { kind: 'PING', nonce: 1, reply: true }],
    ['TASK_CANCEL', { kind: 'TASK_CANCEL', taskId }],
    ['TASK_ACK', ack],
  ])('is cut off: %s', (_what, message) => {
    const { link, ends, hear } = setUp();
    for (let i = 0; i < 1_500; i++) hear(message);
    expect(ends).toMatchObject([{ code: 'rate_limited' }]);
    expect(link.open).toBe(false);
  });

  it('is cut off sooner when what it asks is large', () => {
    const { heard, ends, hear } = setUp();
    const request = chatRequest(taskId, { turns: [{ role: 'user', content: 'x'.repeat(500_000) }] });
    for (let i = 0; i < 50; i++) hear(request);
    expect(ends).toMatchObject([{ code: 'rate_limited' }]);
    expect(heard.length).toBeLessThan(40);
  });

  it('is not one that acknowledges fast answers, or writes one', async () => {
    const { clock, heard, ends, hear } = setUp();
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 150; i++) hear(ack);
      for (let i = 0; i < 3_000; i++) hear(textChunk(taskId, i, 'x'));
      await clock.advance(1_000);
    }
    expect(ends).toEqual([]);
    expect(heard.length).toBe(20 * 3_150);
  });
});

describe('a channel that is told what cannot be', () => {
  const request = chatRequest(taskId, {}, { input: new Uint8Array(MAX_INPUT_BYTES + 1) });

  it('refuses a malformed question by its task, and continues; too many close the link', () => {
    const { hear, heard, ends, link } = setUp();
    const sent: DataMessage[] = [];
    const reader = new MessageReader();
    link.send = (fragment) => {
      const message = reader.read(fragment);
      if (message !== null) sent.push(message);
    };
    hear(request);
    hear(ack);
    expect(sent).toMatchObject([{ kind: 'TASK_ERROR', taskId, code: 'bad_message' }]);
    expect([heard, ends]).toEqual([[ack], []]);
    for (let i = 0; i < 100; i++) hear(request);
    expect(ends.map((reason) => reason?.code)).toEqual(['rate_limited']);
  });

  it('sends no question that the other end would not read, and stays open', () => {
    const { channel, link } = setUp();
    expect(() => channel.send(request)).toThrow(expect.objectContaining({ code: 'bad_message' }));
    channel.send({ ...request, input: new Uint8Array(MAX_INPUT_BYTES) });
    expect([channel.open, link.bufferedBytes > MAX_INPUT_BYTES]).toEqual([true, true]);
  });
});
