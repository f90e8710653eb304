import { expect, test } from 'vitest';
import { placeAt } from './pages.ts';

test.each([
  ['/', 'chat', '/', null],
  ['//', 'chat', '/', null],
  ['/donate', 'donate', '/donate', null],
  ['/donate/', 'donate', '/donate', null],
  ['/DONATE', 'donate', '/donate', null],
  ['//network//', 'network', '/network', null],
  ['/settings/', 'chat', '/settings', null],
  ['/c', 'chat', '/', null],
  ['/c/', 'chat', '/', null],
  ['/c/abcdefgh234567ab', 'chat', '/c/abcdefgh234567ab', 'abcdefgh234567ab'],
  ['/C/aB-_9/', 'chat', '/c/aB-_9', 'aB-_9'],
])('%s leads to %s', (path, page, plain, talk) => {
  expect(placeAt(path)).toEqual({ page, path: plain, talk, settings: plain === '/settings' });
});

test.each([
  '/nowhere',
  '/constructor',
  '/donate/more',
  '/c/a/b',
  '/c/ä',
  '/c/%2e%2e',
  `/c/${'a'.repeat(65)}`,
  '',
  '/'.repeat(200),
])('%s is no page', (path) => expect(placeAt(path)).toBeNull());
