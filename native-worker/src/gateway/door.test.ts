import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { ApiError } from './request/api-error.ts';
import { Door, type DoorOptions, type Knock } from './door.ts';

const key = { name: 'ann', hash: createHash('sha256').update('sk-ann').digest() };
const local: Knock = {
  address: '127.0.0.1',
  host: 'localhost:7080',
  authorization: undefined,
  forwardedFor: undefined,
};

function statusOf(door: Door, knock: Partial<Knock>): number {
  try {
    door.enter({ ...local, ...knock });
    return 200;
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    return thrown.status;
  }
}
const door = (options: Partial<DoorOptions> = {}, clock = new ManualClock()) =>
  new Door({ keys: [], open: false, proxied: false, rate: { perSecond: 1, burst: 2 }, clock, ...options });

describe('the door of a gateway', () => {
  it.each([
    ['a program of this computer', {}, {}, 200],
    ['one over IPv6', {}, { address: '::1', host: '[::1]:7080' }, 200],
    ['another computer', {}, { address: '192.168.1.9', host: '192.168.1.2:7080' }, 401],
    ['a page whose name points here', {}, { host: 'rebound.example' }, 401],
    ['a name that only begins like this computer', {}, { host: 'localhost.example' }, 401],
    ['anyone, where it is open', { open: true }, { address: '192.168.1.9', host: 'x' }, 200],
    ['whom a server of ours passes on', { proxied: true }, { forwardedFor: '192.168.1.9' }, 401],
    ['who says so to a server of ours', { proxied: true }, { forwardedFor: '127.0.0.1, 192.168.1.9' }, 401],
    ['who only says that somebody passed them on', {}, { address: '192.168.1.9', forwardedFor: '127.0.0.1' }, 401],
    ['no key, where one is needed', { keys: [key] }, {}, 401],
    ['a wrong key', { keys: [key] }, { authorization: 'Bearer sk-bob' }, 401],
    ['the key without the word', { keys: [key] }, { authorization: 'sk-ann' }, 401],
    ['the key', { keys: [key] }, { authorization: 'Bearer sk-ann', address: '192.168.1.9', host: 'x' }, 200],
  ])('for %s', (_, options, knock, status) => expect(statusOf(door(options), knock)).toBe(status));

  it('takes the keys that there are now, and opens to nobody when the last one is taken back', () => {
    let keys = [key];
    const bob = { name: 'bob', hash: createHash('sha256').update('sk-bob').digest() };
    const one = new Door({
      get keys() {
        return keys;
      },
      open: true,
      proxied: false,
      rate: { perSecond: 1, burst: 9 },
      clock: new ManualClock(),
    });
    const ask = () => ['sk-ann', 'sk-bob'].map((sent) => statusOf(one, { authorization: `Bearer ${sent}` }));
    expect(ask()).toEqual([200, 401]);
    keys = [bob];
    expect(ask()).toEqual([401, 200]);
    keys = [];
    expect([...ask(), statusOf(one, {})]).toEqual([401, 401, 401]);
  });

  it('lets nobody in too often, and the others all the same', () => {
    const clock = new ManualClock();
    const one = door({ open: true }, clock);
    const ask = (address: string) => statusOf(one, { address });
    expect([ask('10.0.0.1'), ask('10.0.0.1'), ask('10.0.0.1'), ask('10.0.0.2')]).toEqual([200, 200, 429, 200]);
    clock.turn(1_000);
    expect([ask('10.0.0.1'), ask('10.0.0.1')]).toEqual([200, 429]);
  });

  it('says when to come again', () => {
    const one = door({ rate: { perSecond: 0.1, burst: 1 } });
    one.enter(local);
    expect(() => one.enter(local)).toThrow(expect.objectContaining({ retryAfterSeconds: 10 }));
  });
});
