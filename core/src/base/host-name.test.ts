import { describe, expect, it } from 'vitest';
import { bringsKey, HostGuard, hostAdvice } from './host-guard.ts';
import { isLoopback, readHost } from './host-name.ts';

describe('a Host header', () => {
  it.each([
    ['localhost', 'localhost', null],
    ['LocalHost:7070', 'localhost', 7070],
    ['localhost.:7070', 'localhost', 7070],
    ['127.0.0.1:7070', '127.0.0.1', 7070],
    ['[::1]:7070', '::1', 7070],
    ['[0:0:0:0:0:0:0:1]', '::1', null],
    ['[::ffff:127.0.0.1]', '::ffff:7f00:1', null],
    ['my_box.example', 'my_box.example', null],
    ['xn--bcher-kva.example:1', 'xn--bcher-kva.example', 1],
  ])('%s is read', (text, name, port) => expect(readHost(text)).toMatchObject({ name, port }));

  it.each([
    ...['', ' ', ':7070', '.', 'localhost..', '.localhost', 'a..b', 'localhost:', 'localhost:99999', 'localhost:-1'],
    ...['localhost:7070:7070', 'user@localhost', 'user:pw@localhost:7070', 'localhost/', 'localhost#', 'localhost?'],
    ...['local host', 'localhost\t', 'localhost,evil.example', 'http://localhost', 'lоcalhost', '[::1', '::1', '[]'],
    ...['[fe80::1%25eth0]', '[fe80::1%eth0]', '[::1]x', '[1:2]', '[::ffff:127.0.0.1.evil]', '%6cocalhost'],
    // Browsers turn these into an address before they ask, so they come from something else.
    ...['2130706433', '0x7f000001', '0x7f.1', '127.1', '0177.0.0.1', '127.0.0.01', '256.0.0.1', '127.0.0.1.2', 'a.1'],
    'a'.repeat(300),
  ])('%j is not a host', (text) => expect(readHost(text)).toBeNull());

  it.each([
    ['localhost', true],
    ['mesh.localhost', true],
    ['127.255.0.9', true],
    ['[::ffff:7f01:2]', true],
    ['[::ffff:10.0.0.1]', false],
    ['localhost.evil.example', false],
    ['notlocalhost', false],
    ['127.0.0.1.nip.io', false],
    ['128.0.0.1', false],
    ['0.0.0.0', false],
    ['[::]', false],
    ['[::2]', false],
  ])('of %s is this computer: %s', (text, here) => expect(isLoopback(readHost(text)!)).toBe(here));
});

describe('a server', () => {
  const asked = [
    'localhost:9',
    '192.168.1.7:7070',
    '[2001:db8::7]',
    'box',
    'box.local',
    'mesh.example',
    'evil.example',
  ];
  const lets = (guard: HostGuard) => asked.filter((host) => guard.fault([host]) === null);

  it.each([
    ['of this computer alone', { hosts: [], loopback: true }, ['localhost:9']],
    ['of this computer with a name', { hosts: ['Mesh.example:7070'], loopback: true }, ['localhost:9', 'mesh.example']],
    ['of a network', { hosts: [], loopback: false }, asked.slice(0, 5)],
    [
      ...(['of a network with a name', { hosts: ['mesh.example'], loopback: false }] as const),
      ['localhost:9', '192.168.1.7:7070', '[2001:db8::7]', 'mesh.example'],
    ],
    [
      ...(['behind a proxy', { hosts: ['mesh.example'], loopback: true, proxied: true }] as const),
      ['localhost:9', 'box', 'box.local', 'mesh.example'],
    ],
  ])('%s may be asked as %j: %j', (_, options, expected) => expect(lets(new HostGuard(options))).toEqual(expected));

  it('answers programs by what containers and the network call this computer, and no page under such a name', () => {
    const guard = new HostGuard({ hosts: [], loopback: true, machine: ['box', 'box.local'] });
    const lets = (host: string, origin?: string) => guard.fault([host], origin) === null;
    const own = [
      'host.docker.internal:7070',
      'gateway.docker.internal',
      'host.containers.internal',
      'BOX',
      'box.local',
    ];
    expect(own.filter((host) => lets(host))).toEqual(own);
    expect(own.filter((host) => lets(host, `http://${host}`))).toEqual([]);
    const others = [
      'evil.docker.internal',
      'host.docker.internal.evil.example',
      'host.a.b.internal',
      'other',
      'box.lan',
    ];
    expect(others.filter((host) => lets(host))).toEqual([]);
    expect(['0.0.0.0:7070', '[::]', 'localhost'].filter((host) => !lets(host, 'http://evil.example'))).toEqual([]);
  });

  it.each([
    [{ authorization: 'Bearer k' }, true],
    [{ 'x-api-key': 'k' }, true],
    [{ 'api-key': 'k' }, true],
    [{ 'access-control-request-headers': 'content-type, X-Api-Key' }, true],
    [{ 'access-control-request-headers': 'content-type,authorization' }, true],
    [{ 'access-control-request-headers': 'x-api-key-hint' }, false],
    [{ cookie: 'authorization' }, false],
  ])('%j brings a key: %s', (headers, brings) => expect(bringsKey(headers)).toBe(brings));

  it('is asked as one host, and says what to do about another', () => {
    const guard = new HostGuard({ hosts: ['https://mesh.example'], loopback: false });
    const faults = [undefined, [], ['localhost', 'localhost'], ['x y'], ['EVIL.example:80']].map((headers) =>
      guard.fault(headers),
    );
    expect(faults).toEqual([...Array.from({ length: 4 }, () => ({ host: null })), { host: 'evil.example' }]);
    expect(hostAdvice(faults[4]!)).toContain('LLMESH_HOSTS=evil.example');
  });
});
