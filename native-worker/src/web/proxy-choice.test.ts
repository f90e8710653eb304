import { expect, it } from 'vitest';
import { proxyFor, ProxyError } from './proxy-choice.ts';

const both = { HTTPS_PROXY: 'http://secure.proxy:3128', HTTP_PROXY: 'plain.proxy:8080' };
const choose = (url: string, env: Record<string, string> = both) => proxyFor(new URL(url), env)?.host ?? null;

it.each<[string, string | null, Record<string, string>?]>([
  ['https://huggingface.co/x', 'secure.proxy:3128'],
  ['wss://mesh.example/mesh', 'secure.proxy:3128'],
  ['http://mirror.example/x', 'plain.proxy:8080'],
  ['ws://mesh.example/mesh', 'plain.proxy:8080'],
  ['https://mesh.example', null, {}],
  ['https://mesh.example', null, { HTTP_PROXY: 'http://p' }],
  ['https://mesh.example', null, { HTTPS_PROXY: '' }],
  ['https://mesh.example', 'small:1', { HTTPS_PROXY: 'http://large:1', https_proxy: 'http://small:1' }],
  // What is here, or in one's own network, never leaves it.
  ['http://localhost:7070', null],
  ['http://127.0.0.1:7070', null],
  ['http://[::1]:7070', null],
  ['ws://192.168.1.20:7070', null],
  ['ws://10.1.2.3', null],
  ['http://[fd00::7]', null],
  ['http://[::ffff:10.0.0.1]', null],
  ['http://box:7070', null],
  ['http://box.local:7070', null],
  ['http://host.docker.internal:7070', null],
  ['http://11.0.0.1', 'plain.proxy:8080'],
  ['http://[2001:db8::7]', 'plain.proxy:8080'],
])('%s goes through %s', (url, proxy, env) => expect(choose(url, env)).toBe(proxy));

it.each([
  ['mesh.example', ['https://mesh.example', 'https://a.mesh.example:8443'], ['https://notmesh.example']],
  ['.mesh.example', ['https://mesh.example', 'https://a.mesh.example'], ['https://mesh.example.org']],
  ['*.mesh.example', ['https://a.mesh.example'], ['https://amesh.example']],
  ['other, mesh.example:8443', ['https://mesh.example:8443'], ['https://mesh.example']],
  ['mesh.example:443', ['https://mesh.example', 'wss://mesh.example/mesh'], ['http://mesh.example']],
  ['MESH.example b.example', ['https://mesh.example.', 'http://b.example'], []],
  ['203.0.113.0/24', ['http://203.0.113.9'], ['http://203.0.114.9', 'http://mesh.example']],
  ['203.0.113.9', ['http://203.0.113.9'], ['http://1.203.0.113']],
  ['2001:db8::/32,[2001:db9::1]:80', ['http://[2001:db8::7]', 'http://[2001:db9::1]'], ['http://[2001:db9::2]']],
  ['*', ['https://mesh.example'], []],
  ['203.0.113.0/99,/8,:80,,', [], ['http://203.0.113.9', 'http://mesh.example']],
])('NO_PROXY=%s', (list, direct, through) => {
  const env = { ...both, NO_PROXY: list };
  expect(direct.filter((url) => choose(url, env) !== null)).toEqual([]);
  expect(through.filter((url) => choose(url, env) === null)).toEqual([]);
});

it('says what an address of a proxy looks like', () => {
  for (const text of ['socks5://proxy:1080', 'http://', 'file:///etc/passwd']) {
    expect(() => choose('https://mesh.example', { HTTPS_PROXY: text })).toThrow(ProxyError);
    expect(() => choose('https://mesh.example', { HTTPS_PROXY: text })).toThrow(
      /^HTTPS_PROXY .* http:\/\/proxy\.example:3128/,
    );
  }
});
