import { encode } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../base/errors.ts';
import { MessageReader, writeMessage } from './frame.ts';
import { newTaskId } from '../base/ids.ts';
import { MAX_FRAGMENT_BYTES, PROTOCOL_VERSION, type DataMessage } from '../protocol.ts';
import { MAX_MESSAGE_BYTES } from './fields.ts';
import { chatRequest } from '../testing/task-messages.ts';

const taskId = newTaskId();

function request(content: string): DataMessage {
  return chatRequest(taskId, { turns: [{ role: 'user', content }], sampling: { temperature: 0 } });
}

function fragments(message: DataMessage): Uint8Array[] {
  const all: Uint8Array[] = [];
  writeMessage(message, (fragment) => all.push(fragment));
  return all;
}

function readAll(parts: Iterable<Uint8Array>, reader = new MessageReader()): DataMessage[] {
  const messages: DataMessage[] = [];
  for (const part of parts) {
    const message = reader.read(part);
    if (message !== null) messages.push(message);
  }
  return messages;
}

function frame(flag: number, body: Uint8Array, version = PROTOCOL_VERSION): Uint8Array {
  return new Uint8Array([version, flag, ...body]);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof MeshError) return thrown.code;
    throw thrown;
  }
  return 'nothing was thrown';
}

describe('frames', () => {
  it('carry any message through fragments of at most 16 KiB', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400, unit: 'grapheme' }), fc.integer({ min: 0, max: 400 }), (text, times) => {
        const message = request(`x${text.repeat(times)}`);
        const parts = fragments(message);
        for (const part of parts) expect(part.byteLength).toBeLessThanOrEqual(MAX_FRAGMENT_BYTES);
        expect(readAll(parts)).toEqual([message]);
      }),
      { numRuns: 60 },
    );
  });

  it('keep messages apart', () => {
    const first = request('a'.repeat(40_000));
    const second: DataMessage = { kind: 'PING', nonce: 3, reply: false };
    expect(readAll([...fragments(first), ...fragments(second), ...fragments(first)])).toEqual([first, second, first]);
  });

  it('do not share memory with the encoder', () => {
    const [part] = fragments(request('one'));
    fragments(request('two two two'));
    expect(readAll([part!])).toEqual([request('one')]);
  });

  it('refuse to send more than 1 MiB', () => {
    const message = request('');
    if (message.kind === 'TASK_REQUEST') message.input = new Uint8Array(MAX_MESSAGE_BYTES);
    expect(codeOf(() => fragments(message))).toBe('message_too_large');
  });

  it('stop reading past 1 MiB, before the message is whole', () => {
    const reader = new MessageReader();
    const part = frame(0, new Uint8Array(MAX_FRAGMENT_BYTES - 2));
    const read = () => {
      for (let i = 0; i < 100; i++) reader.read(part);
    };
    expect(codeOf(read)).toBe('message_too_large');
  });

  it('stop reading a message that comes in crumbs', () => {
    const reader = new MessageReader();
    let crumbs = 0;
    const read = () => {
      for (; crumbs < 1_000; crumbs++) reader.read(frame(0, new Uint8Array(1)));
    };
    expect(codeOf(read)).toBe('bad_message');
    expect(crumbs).toBeLessThan(200);
  });

  it.each([
    ['an empty fragment', new Uint8Array(0), 'bad_message'],
    ['a header without a body', frame(1, new Uint8Array(0)), 'bad_message'],
    ['an unknown flag', frame(7, encode({ kind: 'PING', nonce: 1, reply: true })), 'bad_message'],
    ['another version', frame(1, encode({ kind: 'PING', nonce: 1, reply: true }), 99), 'version_mismatch'],
    ['a giant fragment', frame(1, new Uint8Array(MAX_FRAGMENT_BYTES)), 'message_too_large'],
    ['bytes that are no MessagePack', frame(1, new Uint8Array([0xc1, 0xc1])), 'bad_message'],
    [
      'an array that claims four billion items',
      frame(1, new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])),
      'bad_message',
    ],
    [
      'a string that claims four billion bytes',
      frame(1, new Uint8Array([0xdb, 0xff, 0xff, 0xff, 0xff])),
      'bad_message',
    ],
    ['an unknown kind', frame(1, encode({ kind: 'TASK_EVIL' })), 'bad_message'],
    ['a prototype', frame(1, encode({ kind: 'PING', nonce: 1, reply: true, ['__proto__']: { x: 1 } })), 'bad_message'],
    ['a negative count', frame(1, encode({ kind: 'PING', nonce: -1, reply: true })), 'bad_message'],
    ['text for a flag', frame(1, encode({ kind: 'PING', nonce: 1, reply: 'yes' })), 'bad_message'],
  ])('take %s for what it is', (_, bytes, code) => {
    expect(codeOf(() => new MessageReader().read(bytes))).toBe(code);
  });

  it('never throw anything but a named error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (parts) => {
        const reader = new MessageReader();
        for (const part of parts) {
          try {
            reader.read(part);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(MeshError);
            return;
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throw anything but a named error, whatever the values', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: false }),
        fc.constantFrom('PING', 'TASK_CHUNK', 'TASK_ERROR', 'x'),
        (value, kind) => {
          const body = typeof value === 'object' && value !== null ? { ...value, kind } : value;
          let bytes: Uint8Array;
          try {
            bytes = encode(body, { maxDepth: 50 });
          } catch {
            return; // Not everything JavaScript has can be written as MessagePack.
          }
          expect(['bad_message', 'nothing was thrown', 'message_too_large']).toContain(
            codeOf(() => new MessageReader().read(frame(1, bytes))),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
