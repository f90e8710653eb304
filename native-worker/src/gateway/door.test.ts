import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { ApiError } from './request/api-error.ts';
import { Door, type DoorOptions, type Knock } from './door.ts';

const key = { name: 'ann', hash: createHash('sha256').update('sk-ann').digest() };
const local: Knock = { address: '127.0.0.1', headers: { host: 'localhost:7080' } };
const machine = { names: ['box', 'box.local'], addresses: () => ['192.168.1.2'] };
type Asked = Record<string, string> & { address?: string };

function statusOf(door: Door, { address = local.address, ...headers }: Asked): number {
  try {
    door.enter({ address, headers: { ...local.headers, ...headers } });
    return 200;
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    return thrown.status;
  }
}
const door = (options: Partial<DoorOptions> = {}, clock = new ManualClock()) =>
  new Door({ keys: [], open: false, proxied: false, rate: { perSecond: 1, burst: 2 }, clock, machine, ...options });

describe('the door of a gateway', () => {
  it.each([
    ['a program of this computer', {}, {}, 200],
    ['one over IPv6', {}, { address: '::1', host: '[::1]:7080' }, 200],
    ['another computer', {}, { address: '192.168.1.9', host: '192.168.1.2:7080' }, 401],
    ['a program of this computer by its name', {}, { host: 'Box:7070' }, 200],
    ['one by its address', {}, { address: '192.168.1.2', host: '192.168.1.2:7070' }, 200],
    ['one over IPv4 in IPv6', {}, { address: '::ffff:192.168.1.2', host: 'box.local' }, 200],
    ['one that copied what servers print', {}, { host: '0.0.0.0:7070' }, 200],
    ['one in a container', {}, { host: 'host.docker.internal:7070' }, 200],
    ['one in another container', {}, { host: 'host.containers.internal:7070' }, 200],
    ['a page under such a name', {}, { host: 'host.docker.internal', origin: 'http://host.docker.internal' }, 401],
    ['a container with an address of its own', {}, { address: '172.17.0.2', host: 'host.docker.internal' }, 401],
    ['another computer that says it is this one', {}, { address: '192.168.1.9', host: 'localhost' }, 401],
    ['two names at once', {}, { host: 'evil.example,localhost' }, 401],
    ['an address that is not ours', {}, { host: '192.168.1.9' }, 401],
    ['a page whose name points here', {}, { host: 'rebound.example' }, 401],
    ['a name that only begins like this computer', {}, { host: 'localhost.example' }, 401],
    ['anyone, where it is open', { open: true }, { address: '192.168.1.9', host: 'x' }, 200],
    ['whom a server of ours passes on', { proxied: true }, { 'x-forwarded-for': '192.168.1.9' }, 401],
    ['who says so to a server of ours', { proxied: true }, { 'x-forwarded-for': '127.0.0.1, 192.168.1.9' }, 401],
    ['who only says that somebody passed them on', {}, { address: '192.168.1.9', 'x-forwarded-for': '127.0.0.1' }, 401],
    ['no key, where one is needed', { keys: [key] }, {}, 401],
    ['a wrong key', { keys: [key] }, { authorization: 'Bearer sk-bob' }, 401],
    ['the key without the word', { keys: [key] }, { authorization: 'sk-ann' }, 401],
    ['the key as Anthropic writes it', { keys: [key] }, { 'x-api-key': 'sk-ann' }, 200],
    ['the key as Azure writes it', { keys: [key] }, { 'api-key': 'sk-ann' }, 200],
    ['the key beside another', { keys: [key] }, { authorization: 'Bearer none', 'x-api-key': 'sk-ann' }, 200],
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
      machine,
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

  it.each([
    ['no key', {}, {}],
    ['a key that it does not know', { authorization: 'Bearer sk-bob' }, { keys: [key] }],
    ['no key where one is needed', {}, { keys: [key] }],
  ])('says how to make a key that opens this very door: %s', (_, headers, options) => {
    const makeKey = 'llmesh key <name> --data .data';
    const knock = { address: '192.168.1.9', headers: { host: 'x', ...headers } };
    expect(() => door({ makeKey, ...options }).enter(knock)).toThrow(makeKey);
  });

  it('says when to come again', () => {
    const one = door({ rate: { perSecond: 0.1, burst: 1 } });
    one.enter(local);
    expect(() => one.enter(local)).toThrow(expect.objectContaining({ retryAfterSeconds: 10 }));
  });
});
